import hashlib
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from e2e.clusters.local import archive


@pytest.fixture(name="image")
def _image(tmp_path: Path) -> tarfile.TarFile:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    archive.write(tmp_path / "image.tar", "localhost/it:1", {"bin/it": program}, ["/bin/it"])
    return tarfile.open(fileobj=BytesIO((tmp_path / "image.tar").read_bytes()))


def read(image: tarfile.TarFile, name: str) -> bytes:
    file = image.extractfile(name)
    assert file is not None
    return file.read()


def blob(image: tarfile.TarFile, descriptor: dict[str, Any]) -> bytes:
    data = read(image, "blobs/" + descriptor["digest"].replace(":", "/"))
    assert len(data) == descriptor["size"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    return data


def test_the_archive_holds_the_named_image_with_the_program(image: tarfile.TarFile) -> None:
    assert json.loads(read(image, "oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (named,) = json.loads(read(image, "index.json"))["manifests"]
    assert named["annotations"]["io.containerd.image.name"] == "localhost/it:1"
    manifest = json.loads(blob(image, named))
    assert json.loads(blob(image, manifest["config"]))["config"]["Entrypoint"] == ["/bin/it"]
    (layer,) = manifest["layers"]
    with tarfile.open(fileobj=BytesIO(blob(image, layer))) as files:
        assert read(files, "bin/it") == b"\x7fELF"
        assert files.getmember("bin/it").mode == 0o755


def test_the_same_program_makes_the_same_archive(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    for name in ("one.tar", "two.tar"):
        archive.write(tmp_path / name, "localhost/it:1", {"it": program}, ["/it"])
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
