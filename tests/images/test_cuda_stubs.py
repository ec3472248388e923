"""The stub that answers for the CUDA libraries, with a small library in torch's place."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.images.vllm_cpu import cuda_stubs

pytestmark = pytest.mark.skipif(
    not shutil.which("cc"), reason="needs a C compiler to make a library that links CUDA"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with libuser.so, which needs a versioned and a plain function of two libraries that are not
    there.
    """
    (tmp_path / "cuda.c").write_text("int cudaGetDeviceCount(int *n) { *n = 8; return 0; }")
    (tmp_path / "cuda.map").write_text("libcudart.so.13 { global: cudaGetDeviceCount; };")
    (tmp_path / "nccl.c").write_text("int ncclGetVersion(int *v) { return 0; }")
    (tmp_path / "user.c").write_text(
        "int cudaGetDeviceCount(int *); int ncclGetVersion(int *);"
        "int ask(void) { int n = 0; return 1000 * ncclGetVersion(&n) + cudaGetDeviceCount(&n); }"
    )
    for command in (
        "-o libcudart.so.13 cuda.c -Wl,-soname,libcudart.so.13 -Wl,--version-script,cuda.map",
        "-o libnccl.so.2 nccl.c -Wl,-soname,libnccl.so.2",
        "-o libuser.so user.c -Wl,-rpath,$ORIGIN ./libcudart.so.13 ./libnccl.so.2",
    ):
        subprocess.run(["cc", "-shared", "-fPIC", *command.split()], cwd=tmp_path, check=True)
    for name in ("libcudart.so.13", "libnccl.so.2"):
        (tmp_path / name).unlink()
    return tmp_path


def test_the_library_loads_and_every_call_says_that_there_is_no_driver(folder: Path) -> None:
    with pytest.raises(OSError, match="cannot open shared object file"):
        ctypes.CDLL(str(folder / "libuser.so"))
    cuda_stubs.main(folder)
    assert ctypes.CDLL(str(folder / "libuser.so")).ask() == 1000 * 35 + 35


def test_the_stub_is_linked_under_each_missing_name(folder: Path) -> None:
    cuda_stubs.main(folder)
    links = {path.name: path.readlink() for path in folder.iterdir() if path.is_symlink()}
    assert links == {"libcudart.so.13": Path("libcuda_stub.so"), "libnccl.so.2": Path("libcuda_stub.so")}
