"""The benchmarks of the tuner: `python -m benchmarks.tuner COMMAND --help`."""

import argparse
import sys
from typing import Protocol

from benchmarks.tuner import replay, simulated_table, sweep
from setpoint.cli.documents import DocumentError


class Command(Protocol):
    """A module with a command."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's flags."""

    def run(self, options: argparse.Namespace, /) -> int:
        """Do it, and return the exit status. Raises DocumentError when an input is wrong."""


COMMANDS: dict[str, Command] = {
    "replay": replay,
    "sweep": sweep,
    "table": simulated_table,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuner", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        purpose = (command.__doc__ or "").partition("\n")[0]
        of = commands.add_parser(name, help=purpose, description=purpose)
        of.set_defaults(run=command.run)
        command.add_arguments(of)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except DocumentError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
