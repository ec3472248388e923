"""`setpoint replay`: make recorded decisions again, and say whether they come out the same."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from setpoint.cli.documents import STANDARD_INPUT, DocumentError
from setpoint.cli.output import write
from setpoint.tuner.record import Record, parse_record, replay

_PURPOSE = "make again the decisions that the operator logged, or `setpoint tune --json-log`, and compare"
_RECORD_BEGINS = b'{"observation"'
_DIFFERS_STATUS = 1


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("replay", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=run_replay)
    command.add_argument(
        "file",
        metavar="FILE",
        help="a log, whole: of each line what is a record; - for standard input, as of `kubectl logs`",
    )


def run_replay(options: argparse.Namespace) -> int:
    """Replay a log; return 0 when every decision comes out the same, 1 when not.

    Raises DocumentError when the log cannot be read, has no record, or has one that is not whole.
    """
    numbered: list[tuple[int, Record]] = []
    without = 0
    with _opened(options.file) as lines:
        for number, line in enumerate(lines, 1):
            record = _record(line, f"{options.file}:{number}")
            if record is None:
                without += 1
            else:
                numbered.append((number, record))
    if not numbered:
        raise DocumentError(
            f"{options.file}: holds no record of a decision in {without} lines: give it a log of the "
            "operator, or a file of `setpoint tune --json-log`"
        )
    differences = replay(record for _, record in numbered)
    for each in differences:
        line_number, _ = numbered[each.number - 1]
        for field in each.fields:
            write(f"{options.file}:{line_number}: {field}\n")
    held_none = f", {without} lines held no record" if without else ""
    write(f"{len(numbered)} decisions, {len(differences)} differ{held_none}\n")
    return _DIFFERS_STATUS if differences else 0


def _record(line: bytes, place: str) -> Record | None:
    """The record that a line ends with, after whatever a logger wrote before it; None where there is none.

    Raises DocumentError when one begins and is none.
    """
    begins = line.find(_RECORD_BEGINS)
    if begins < 0:
        return None
    try:
        return parse_record(line[begins:].decode())
    except ValueError as error:
        raise DocumentError(f"{place}: is no record of a decision: {error}") from None


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    try:
        if path == STANDARD_INPUT:
            yield sys.stdin.buffer
        else:
            with Path(path).open("rb") as file:
                yield file
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from None
