"""Programs that build a Dockerfile: docker, or buildah where no registry or no daemon is there."""

import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from e2e.clusters import packages
from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import Progress
from e2e.images import base
from e2e.images.paths import CACHE

STORAGE_LIMIT_BYTES = 8 * 10**9
"""Buildah's layers are thrown away before a build when they take more than this on the disk."""
_STORAGE = CACHE / "buildah"
_LEFT_BEHIND = {Path("/run/containers"): "networks", Path("/var/lib/containers"): "cache"}
"""What buildah makes outside its storage, whatever it is told: a folder with one in it, of no later use."""
_CA_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PASSED_ON = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Where packages come from; an argument of the build, no part of the image."""
_FAILURE_LINES = 15


class Builder(Protocol):
    """Makes an archive of an image."""

    @property
    def name(self) -> str:
        """The program, and what it starts from: part of an image's key."""

    def build(
        self, context: Path, dockerfile: Path, reference: str, archive: Path, progress: Progress
    ) -> None:
        """Build `dockerfile` in `context` into a docker `archive` that holds `reference`. Raises
        ClusterError.
        """


def choose() -> Builder:
    """Docker where its daemon answers, else buildah. Raises ClusterError when neither can be had."""
    if shutil.which("docker") and _quiet("docker", "info"):
        return Docker()
    if os.geteuid() != 0:
        raise ClusterError(
            "building images: no docker daemon answers, and buildah needs root: start one, or use sudo"
        )
    packages.ensure({"buildah": "buildah", "debootstrap": "debootstrap"})
    return Buildah()


class Docker:
    """Docker with BuildKit; the Dockerfile's own base image, from its registry."""

    name = "docker"

    def build(
        self, context: Path, dockerfile: Path, reference: str, archive: Path, progress: Progress
    ) -> None:
        """Build and save; the image stays in docker's store only as layers that it may reuse."""
        command = ["docker", "build", "--progress=plain", *_options(), "--file", str(dockerfile)]
        _run([*command, "--tag", reference, str(context)], progress, {"DOCKER_BUILDKIT": "1"})
        _run(["docker", "save", "--output", str(archive), reference], progress)
        _run(["docker", "image", "rm", reference], progress)


class Buildah:
    """Buildah on the base image of `e2e.images.base`, its storage in the cache and nowhere else.

    It runs in a mount namespace of its own and with a temporary run root: neither a mount nor a lock outlives
    it, not even when it is killed.
    """

    @property
    def name(self) -> str:
        """Buildah, and the base image's key."""
        return f"buildah on {base.reference()}"

    def build(
        self, context: Path, dockerfile: Path, reference: str, archive: Path, progress: Progress
    ) -> None:
        """Build, write the archive, and keep the layers for the next build."""
        if _STORAGE.exists() and _size_bytes(_STORAGE) > STORAGE_LIMIT_BYTES:
            shutil.rmtree(_STORAGE)
        _STORAGE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as run:
            self._ensure_base(Path(run), progress)
            command = ["bud", "--isolation=chroot", "--network=host", "--layers", *_options()]
            command += [f"--build-arg=BASE_IMAGE={base.reference()}", f"--file={dockerfile}"]
            command += [f"--tag=docker-archive:{archive}:{reference}", str(context)]
            self._buildah(command, Path(run), progress)
        _sweep()

    def _ensure_base(self, run: Path, progress: Progress) -> None:
        reference = base.reference()
        if self._succeeds(["inspect", "--type=image", reference], run):
            return
        root = base.archive(progress)
        context = run / "base"
        context.mkdir()
        (context / "Dockerfile").write_text(f"FROM scratch\nADD {root.name} /\nENV PATH={base.SEARCH_PATH}\n")
        os.link(root, context / root.name)
        self._buildah(["bud", "--isolation=chroot", f"--tag={reference}", str(context)], run, progress)

    def _buildah(self, arguments: Sequence[str], run: Path, progress: Progress) -> None:
        _run([*self._command(run), *arguments], progress, self._environment(run))

    def _succeeds(self, arguments: Sequence[str], run: Path) -> bool:
        return _quiet(*self._command(run), *arguments, environment=self._environment(run))

    def _command(self, run: Path) -> list[str]:
        command = ["unshare", "--mount", "--propagation=private", "buildah", "--storage-driver=overlay"]
        return [*command, f"--root={_STORAGE}", f"--runroot={run}/containers"]

    def _environment(self, run: Path) -> dict[str, str]:
        settings = run / "containers.conf"
        settings.write_text(f'[network]\nnetwork_config_dir = "{run}/networks"\n')
        return {"TMPDIR": str(run), "CONTAINERS_CONF": str(settings)}


def _sweep() -> None:
    """Remove the folders that buildah made, unless someone else has anything in them."""
    for folder, made in _LEFT_BEHIND.items():
        if folder.is_dir() and [path.name for path in folder.iterdir()] == [made]:
            shutil.rmtree(folder, ignore_errors=True)


def _options() -> list[str]:
    """What both programs understand: the machine's certificates as a secret, and where packages come from."""
    certificates = Path(os.environ.get("SSL_CERT_FILE", _CA_CERTIFICATES))
    secret = [f"--secret=id=ca-certificates,src={certificates}"] if certificates.is_file() else []
    return secret + [f"--build-arg={name}={os.environ[name]}" for name in _PASSED_ON if name in os.environ]


def _run(command: Sequence[str], progress: Progress, environment: Mapping[str, str] | None = None) -> None:
    """Run a step of a build, its last line shown as progress. Raises ClusterError with its last lines."""
    last: deque[str] = deque(maxlen=_FAILURE_LINES)
    with subprocess.Popen(
        command, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            if line.strip():
                last.append(line.rstrip())
                progress.update(line.strip()[:80])
    if process.returncode != 0:
        remedy = f"building an image failed; {CACHE} may be deleted, if that is in the way"
        raise ClusterError("\n".join([*last, remedy]))


def _quiet(*command: str, environment: Mapping[str, str] | None = None) -> bool:
    run = subprocess.run(
        command,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return run.returncode == 0


def _size_bytes(folder: Path) -> int:
    """What a folder takes on the disk."""
    output = subprocess.run(
        ["du", "-s", "--block-size=1", folder], check=True, capture_output=True, text=True
    ).stdout
    return int(output.split()[0])
