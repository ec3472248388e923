"""A Debian root with Python: what images are built on where no registry can be reached."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import Progress
from e2e.images.paths import CACHE

SUITE = "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PACKAGES = ("ca-certificates", "python3", "python3-venv")
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NEEDLESS = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/cache/apt",
             "var/lib/apt/lists", "var/log", "dev")  # fmt: skip
_LAYOUT = 1
"""Raised when this module makes the root otherwise than before."""


@cache
def reference() -> str:
    """The base image's name, after what decides its content."""
    recipe = "\0".join((SUITE, *PACKAGES, *_NEEDLESS, platform.machine(), str(_LAYOUT)))
    return f"localhost/setpoint-base:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def archive(progress: Progress) -> Path:
    """A tar of the root, made by debootstrap once (35 s) and kept. Raises ClusterError."""
    target = CACHE / f"base-{reference().rpartition(':')[2]}.tar"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="debootstrap-") as name:
        root = Path(name, "root")
        progress.update("making a Debian root")
        # In a mount namespace of its own: what debootstrap mounts is gone with it, even when it is killed.
        command = ["unshare", "--mount", "--propagation=private", "debootstrap", "--variant=minbase"]
        command += [f"--include={','.join(PACKAGES)}", SUITE, str(root), MIRROR]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise ClusterError("debootstrap failed:\n" + "\n".join(said[-10:]))
        for needless in _NEEDLESS:
            shutil.rmtree(root / needless)
            (root / needless).mkdir()
        unfinished = Path(name, "root.tar")
        subprocess.run(["tar", "--directory", root, "--create", "--file", unfinished, "."], check=True)
        unfinished.rename(target)
    for old in CACHE.glob("base-*.tar"):
        if old != target:
            old.unlink()
    return target
