"""One `up`, `down` or build at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.clusters.progress import say


@contextmanager
def exclusive(directory: Path, activity: str) -> Iterator[None]:
    """Hold the lock of `directory` (made if missing); wait, and say so, while another process holds it.

    The lock is the kernel's (flock on the directory itself): it ends with the process, however that ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{activity}: waiting for another process that holds {directory}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
