"""`python -m e2e.fakes.gpu`: label this node and offer its GPUs until SIGTERM."""

import argparse
import logging
import os
import signal
from pathlib import Path

from e2e.fakes.gpu.labels import Model, label_node, labels
from e2e.fakes.gpu.plugin import Plugin, device_ids


def main() -> None:
    """Run in a pod of the DaemonSet, which gives the node's name in NODE_NAME."""
    parser = argparse.ArgumentParser(prog="python -m e2e.fakes.gpu")
    parser.add_argument("--count", type=int, required=True, help="GPUs of this node")
    parser.add_argument("--folder", type=Path, default=Path("/var/lib/kubelet/device-plugins"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(asctime)s [%(name)s] %(message)s")
    node = os.environ["NODE_NAME"]
    plugin = Plugin(arguments.folder, device_ids(node, arguments.count))
    signal.signal(signal.SIGTERM, lambda *_: plugin.stop())
    label_node(node, labels(Model(), arguments.count))
    plugin.run()


if __name__ == "__main__":
    main()
