"""The only paths outside the repository that the local cluster uses."""

from pathlib import Path

ROOT = Path("/var/lib/setpoint-e2e")
CACHE = ROOT / "cache"
"""Built binaries and images: survives `down`, may be deleted at any time when no cluster is up."""
STATE = ROOT / "cluster"
"""One cluster's life: keys, etcd's data, containerd's store, logs. `down` deletes it."""

KUBECONFIG = STATE / "kubeconfig"
"""Written last by `up`: where it is missing, the cluster never came up whole."""
KEYS = STATE / "keys"
LOGS = STATE / "logs"
LOADED = STATE / "loaded-images"
"""For each reference which archive it came from."""
CONTAINERD_SOCKET = STATE / "containerd/containerd.sock"
