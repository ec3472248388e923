"""Programs that come from the distribution: installed where apt-get is there, asked for elsewhere."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import say

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def find(program: str) -> str | None:
    """The path of `program` (a name, or an absolute path), or None."""
    return shutil.which(program, path=SEARCH_PATH)


def ensure(packages: Mapping[str, str]) -> None:
    """See that programs are there, given as program -> Debian package; install the missing ones.

    Raises ClusterError naming what to install by hand.
    """
    missing = {program: package for program, package in packages.items() if find(program) is None}
    if not missing:
        return
    wanted = sorted(set(missing.values()))
    remedy = f"install the equivalents of Debian's {' '.join(wanted)}"
    if find("apt-get") is None:
        raise ClusterError(f"{', '.join(sorted(missing))} not found and this is no Debian: {remedy}")
    say(f"packages: installing {' '.join(wanted)}")
    if _apt_get("install", *wanted) is not None:
        # Most often the lists are absent or old: only then are they worth the time.
        _apt_get("update")
        failure = _apt_get("install", *wanted)
        if failure is not None:
            raise ClusterError(f"apt-get install {' '.join(wanted)} failed: {remedy}\n{failure}")
    still_missing = [program for program in missing if find(program) is None]
    if still_missing:
        raise ClusterError(f"{', '.join(still_missing)} is still not found after apt-get: {remedy}")


def _apt_get(action: str, *packages: str) -> str | None:
    """Run apt-get; the last lines of what it said when it failed, else None."""
    run = subprocess.run(
        ["apt-get", "-y", "-q", "--no-install-recommends", action, *packages],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return None if run.returncode == 0 else "\n".join(run.stdout.splitlines()[-8:])
