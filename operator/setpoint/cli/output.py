"""What a command prints: objects as YAML, as people read it and `kubectl apply -f -` takes it."""

import os
import sys
from collections.abc import Iterable
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Without anchors: what is used twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def yaml_documents(objects: Iterable[dict[str, Any]]) -> str:
    """Return the objects as YAML documents, each with its keys in the order it has them."""
    return "---\n".join(yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=110) for each in objects)


class OutputError(Exception):
    """Standard output takes nothing; the message says why."""


def stand_in_for_closed_streams() -> None:
    """Put the null device where a standard stream is closed, for this process and those that it starts.

    Else the next file or connection takes its number, and gets what a library writes to it. A closed standard
    output stays known: `write` refuses it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def prove_open() -> None:
    """Raise OutputError when standard output is closed, before any work that it is to tell of."""
    if sys.stdout is None:
        raise OutputError("standard output is closed: open it, if only as > /dev/null")


def write(text: str) -> None:
    """Write all of it to standard output, or as much as a reader such as head takes. Raises OutputError."""
    prove_open()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python would try at exit to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"standard output cannot be written: {error.strerror}") from error
