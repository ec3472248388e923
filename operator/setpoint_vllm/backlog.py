"""How much all API servers of one engine have in hand, so that each sheds by the sum.

Each server publishes two numbers, requests and queued prompt tokens, in a small file of its own that the
others map into memory. The files lie in PROMETHEUS_MULTIPROC_DIR, which vLLM makes for the API servers of one
engine and for nobody else; with one server there is none, and nothing to share.

A server holds a lock on its file, which goes with its process, however that ends: what dead ones left does
not count. Process ids would not tell: after a container's restart another process may have the same.
"""

import fcntl
import logging
import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path

_NUMBERS = struct.Struct("<qq")
_MOST = 2**63 - 1
"""What a number in the file can be."""
_PREFIX = "setpoint-backlog-"
_log = logging.getLogger("vllm.setpoint")


class Backlog:
    """This server's share, and the sum with the others'."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._others: dict[str, mmap.mmap] = {}
        self._own_name = f"{_PREFIX}{os.getpid()}"
        self._own = _make(directory / self._own_name) if directory else None
        self.requests = 0
        self.tokens = 0

    @classmethod
    def of_this_engine(cls) -> "Backlog":
        """The one that the API servers of this engine share, or where it cannot be shared, this server's."""
        directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        try:
            return cls(Path(directory) if directory else None)
        except OSError as error:
            _log.warning("each API server sheds by its own requests alone: %s", error)
            return cls(None)

    def publish(self, requests: int, tokens: int) -> None:
        """Tell what this server has in hand. Never raises."""
        self.requests, self.tokens = min(requests, _MOST), min(tokens, _MOST)
        if self._own:
            _NUMBERS.pack_into(self._own, 0, self.requests, self.tokens)

    def total(self) -> tuple[int, int]:
        """Requests and queued prompt tokens of all servers, as they last told."""
        shares = [(self.requests, self.tokens), *map(_NUMBERS.unpack_from, self._others.values())]
        return sum(requests for requests, _ in shares), sum(tokens for _, tokens in shares)

    def look_for_others(self) -> None:
        """Find servers that have started or ended since."""
        if self._directory is None:
            return
        paths = self._directory.glob(f"{_PREFIX}*")
        names = {path.name for path in paths if path.name != self._own_name and _is_held(path)}
        for name in names - self._others.keys():
            # What is gone again, or is no share, cannot be mapped.
            with suppress(OSError, ValueError):
                self._others[name] = _map(self._directory / name)
        for name in self._others.keys() - names:
            del self._others[name]


def _make(path: Path) -> mmap.mmap:
    """Make this server's file anew. It has its lock before others see it: none takes it for a dead one's."""
    unseen = path.with_name(f".{path.name}")
    handle = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.truncate(handle, _NUMBERS.size)
        with suppress(OSError):  # without locks there, every file counts
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unseen.rename(path)
        # The map has a duplicate of the handle, and so the lock.
        return mmap.mmap(handle, _NUMBERS.size)
    finally:
        os.close(handle)


def _map(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), _NUMBERS.size)


def _is_held(path: Path) -> bool:
    """Whether the server whose file it is lives, as far as can be told."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
