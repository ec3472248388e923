"""`python -m e2e.images NAME`: build an image if it is not there, print where it is."""

import argparse
import sys

from e2e import images
from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import say

_IMAGES = {"operator": images.operator, "stand-in": images.stand_in, "vllm-cpu": images.vllm_cpu}


def main() -> int:
    """Build what is named; exit code 1 with one line where that fails."""
    parser = argparse.ArgumentParser(prog="python -m e2e.images", description=images.__doc__)
    parser.add_argument("image", choices=_IMAGES)
    name = parser.parse_args().image
    try:
        image = _IMAGES[name]()
    except ClusterError as error:
        say(f"{name}: {error}")
        return 1
    print(image.tar, image.reference)
    return 0


if __name__ == "__main__":
    sys.exit(main())
