"""One package from PyPI in a folder of its own, checked against the hash that we expect."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2e.clusters.cluster import ClusterError


@dataclass(frozen=True)
class Wheel:
    """A release of a package, without what it depends on."""

    package: str
    version: str
    sha256: str

    def install(self, target: Path) -> None:
        """Put the package's content into `target`. Raises ClusterError."""
        with tempfile.TemporaryDirectory() as temporary:
            requirements = Path(temporary) / "requirements.txt"
            requirements.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n")
            command = ["uv", "pip", "install", "--quiet", "--no-deps", "--no-cache", "--require-hashes"]
            command += ["--compile-bytecode"]  # whoever imports it may not be able to write beside it
            command += [
                "--python",
                sys.executable,
                "--target",
                str(target),
                "--requirement",
                str(requirements),
            ]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)
            except FileNotFoundError:
                raise ClusterError("uv is missing: run it by make, or install uv") from None
            except subprocess.CalledProcessError as error:
                raise ClusterError(f"{self.package} {self.version} cannot be had: {error.stderr}") from None


def ensure(directory: Path, fill: Callable[[Path], None]) -> Path:
    """See that `directory` is there, whole or not at all: `fill` is given an empty one when it is not."""
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="unfinished-") as temporary:
        work = Path(temporary) / "whole"
        work.mkdir()
        fill(work)
        try:
            work.rename(directory)
        except OSError:
            # Another process was quicker; its directory holds the same.
            if not directory.is_dir():
                raise
    return directory
