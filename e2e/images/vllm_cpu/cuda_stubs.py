"""Stand in for the CUDA libraries that PyPI's torch links and a CPU never calls.

PyPI carries only the CUDA build of torch for x86-64. It loads 16 libraries at import that weigh 2.7 GB, so
this makes one small library with every symbol that torch misses, under the versions it asks for, and links it
under each missing name: the loader sees one file and takes it for all of them. Every function returns 35,
CUDA's `cudaErrorInsufficientDriver`, so torch finds no GPU and goes on.

Runs while the image is built, needs binutils, x86-64 only: `python3 cuda_stubs.py DIRECTORY_OF_TORCH/lib`.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

STUB = "libcuda_stub.so"
_SYMBOL = re.compile(r"\bUND\s+(?P<name>[\w.]+)(?:@(?P<version>[\w.]+))?(?: \(\d+\))?$")
_NEEDED = re.compile(r"\(NEEDED\).*\[(?P<name>[^\]]+)\]")
_OURS = re.compile(r"^(_*cu|nccl|nvrtc|nvshmem)")


def missing_libraries(library: Path) -> set[str]:
    """The names that `library` needs and neither stand beside it nor belong to the C and C++ run time."""
    output = _readelf("--dynamic", library)
    needed = {match["name"] for match in _NEEDED.finditer(output)}
    return {
        name for name in needed if re.match(r"lib(cu|nccl|nv)", name) and not (library.parent / name).exists()
    }


def missing_symbols(library: Path) -> dict[str, set[str]]:
    """The CUDA functions that `library` takes from elsewhere, by symbol version ("" for none)."""
    symbols = defaultdict(set)
    for line in _readelf("--dyn-syms", library).splitlines():
        match = _SYMBOL.search(line)
        if match and _OURS.match(match["name"]):
            symbols[match["version"] or ""].add(match["name"])
    return symbols


def write_stub(symbols: dict[str, set[str]], target: Path) -> None:
    """Assemble and link `target` with a function for each symbol, and a version node for each version."""
    names = sorted(set().union(*symbols.values()))
    assembly = [".text", "answer: mov $35, %eax", "ret"]
    for name in names:
        assembly += [f".globl {name}", f".type {name}, @function", f".set {name}, answer"]
    versions = [
        f"{version} {{ global: {'; '.join(sorted(functions))}; }};"
        for version, functions in sorted(symbols.items())
        if version
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, script, object_file = (Path(folder, name) for name in ("stub.s", "stub.map", "stub.o"))
        source.write_text("\n".join([*assembly, ".section .note.GNU-stack", ""]))
        script.write_text("\n".join([*versions, ""]))
        subprocess.run(["as", "-o", object_file, source], check=True)
        subprocess.run(
            ["ld", "-shared", "-soname", STUB, "--version-script", script, "-o", target, object_file],
            check=True,
        )


def main(folder: Path) -> None:
    """Write the stub into `folder` and link it under the name of each missing library."""
    libraries = [path for path in folder.glob("*.so*") if path.name != STUB and not path.is_symlink()]
    symbols: dict[str, set[str]] = defaultdict(set)
    for library in libraries:
        for version, names in missing_symbols(library).items():
            symbols[version] |= names
    write_stub(symbols, folder / STUB)
    missing = sorted(set().union(*(missing_libraries(library) for library in libraries)))
    for name in missing:
        (folder / name).symlink_to(STUB)
    print(f"{STUB}: {sum(map(len, symbols.values()))} functions, as {' '.join(missing)}")


def _readelf(option: str, library: Path) -> str:
    command = ["readelf", "--wide", option, str(library)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
