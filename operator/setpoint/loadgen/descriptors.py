"""File descriptors of the senders: each connection needs one, and the usual soft limit is 1024."""

import resource
from contextlib import suppress

_SPARE = 64
"""Of each sender, for its pipes, its event loop and look-ups of names."""


def take_all() -> None:
    """Raise this process's soft limit to the hard one, which costs nothing, and ends with the process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system that grants less: what is missing is then told by the run
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections(senders: int) -> float:
    """Return how many connections so many sender processes can hold together; infinite without a limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if hard == resource.RLIM_INFINITY else senders * max(0, hard - _SPARE)
