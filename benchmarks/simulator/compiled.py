"""The package with the simulator's core compiled, as pyproject.toml's build hook makes it on demand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "manifests", "operator")
HOOK = "HATCH_BUILD_HOOK_ENABLE_MYPYC"


def build(folder: Path) -> Path:
    """Build such a wheel (it takes a C compiler and half a minute) and return where it lies unpacked.

    From a copy, since the hook leaves what it compiled beside the sources, to be imported in their place.
    """
    copy, wheels, unpacked = folder / "copy", folder / "wheels", folder / "unpacked"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy / name)
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(copy)]
    subprocess.run(command, env=os.environ | {HOOK: "true"}, check=True)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked
