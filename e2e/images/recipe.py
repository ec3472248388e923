"""From a recipe to a cached image archive."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from e2e.clusters.local.lock import exclusive
from e2e.clusters.progress import Progress, say
from e2e.images.builders import Builder, choose
from e2e.images.paths import CACHE, TEMPORARY

ROOT = Path(__file__).parents[2]
KEPT_ARCHIVES = 2
"""How many archives of one image stay in the cache: the newest, and the one before."""
_TIMESTAMP = 1577836800
"""2020-01-01. Every file of a build context has it, so that a fresh clone hits the layers of an older one."""


@dataclass(frozen=True)
class Image:
    """A built image."""

    tar: Path
    """A docker archive, for `Cluster.load_image`."""
    reference: str
    """The name under which pods find it, such as localhost/setpoint:0123456789ab."""


@dataclass(frozen=True)
class Recipe:
    """What goes into an image. Paths are relative to the repository."""

    name: str
    dockerfile: Path
    files: tuple[str, ...]
    """The build context: nothing else reaches the build, so nothing else can change the image."""

    def key(self, builder: str) -> str:
        """A short hash of everything that decides the image's content."""
        digest = hashlib.sha256(builder.encode())
        for path in (self.dockerfile, *self.paths()):
            content = (ROOT / path).read_bytes()
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:12]

    def paths(self) -> Iterator[Path]:
        """Every file of the context, sorted."""
        for name in self.files:
            top = ROOT / name
            found = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
            yield from (path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts)


def build(recipe: Recipe) -> Image:
    """The recipe's image, built unless it is in the cache. Raises ClusterError when the build fails."""
    builder = choose()
    key = recipe.key(builder.name)
    folder = CACHE / recipe.name
    image = Image(folder / f"{key}.tar", f"localhost/{recipe.name}:{key}")
    if not image.tar.exists():
        with exclusive(CACHE, f"{recipe.name} image"):
            if not image.tar.exists():
                _build(recipe, builder, image)
    os.utime(image.tar)
    _prune(folder)
    return image


def _build(recipe: Recipe, builder: Builder, image: Image) -> None:
    _remove_leftovers()
    progress = Progress(f"{recipe.name} image")
    say(f"{recipe.name} image: building with {builder.name}")
    image.tar.parent.mkdir(parents=True, exist_ok=True)
    unfinished = image.tar.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="context-") as name:
        context = Path(name)
        for path in recipe.paths():
            target = context / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, target)
        for path in (*context.rglob("*"), context):
            os.utime(path, (_TIMESTAMP, _TIMESTAMP))
        builder.build(context, ROOT / recipe.dockerfile, image.reference, unfinished, progress)
    unfinished.rename(image.tar)
    progress.finish(f"built, {image.tar.stat().st_size / 1e6:.0f} MB")


def _remove_leftovers() -> None:
    """Remove the temporary folders of builds that were killed; the lock tells that none is running."""
    for pattern in TEMPORARY:
        for folder in CACHE.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)


def _prune(folder: Path) -> None:
    """Remove all archives but the newest."""
    newest_first = sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT_ARCHIVES:]:
        path.unlink(missing_ok=True)
