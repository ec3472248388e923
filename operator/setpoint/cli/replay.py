"""`setpoint replay`: make recorded decisions again, and say whether they come out the same."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.tuner.record import Record, parse_record, replay

_PURPOSE = "make again the decisions that `setpoint tune --json-log` recorded, and compare"
_DIFFERS_STATUS = 1


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("replay", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=run_replay)
    command.add_argument("file", metavar="FILE", help="one record on each line")


def run_replay(options: argparse.Namespace) -> int:
    """Replay a file; return 0 when every decision comes out the same, 1 when not. Raises DocumentError."""
    records = list(_records(options.file))
    differences = replay(records)
    for each in differences:
        for field in each.fields:
            write(f"{options.file}:{each.number}: {field}\n")
    write(f"{len(records)} decisions, {len(differences)} differ\n")
    return _DIFFERS_STATUS if differences else 0


def _records(path: str) -> Iterator[Record]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield parse_record(line)
                except ValueError as error:
                    raise DocumentError(f"{path}:{number}: is no record of a decision: {error}") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: is not UTF-8 at byte {error.start}") from None
