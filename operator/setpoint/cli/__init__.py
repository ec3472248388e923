"""The command `setpoint`: what the operator does, done and looked at without a cluster."""

import argparse
import sys
from contextlib import suppress

from setpoint.cli import compare, plan, replay, simulate, status, tune
from setpoint.cli.crds import crds_yaml
from setpoint.cli.documents import DocumentError
from setpoint.cli.loadtest import add_command as add_loadtest
from setpoint.cli.loadtest import loadtest
from setpoint.cli.output import OutputError, stand_in_for_closed_streams, write
from setpoint.cli.render import render
from setpoint.cli.settings_file import read_settings
from setpoint.cli.validate import validate
from setpoint.cli.version import version

_USAGE_STATUS = 2
"""As argparse exits when the command line is wrong: here, when a file cannot be read or written at all."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 a fault in an object, 2 no input or output."""
    stand_in_for_closed_streams()
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except (DocumentError, OutputError) as error:
        with suppress(OSError):  # where it cannot be said, the status says it
            print(error, file=sys.stderr)
        return _USAGE_STATUS


def _run(options: argparse.Namespace) -> int:
    if options.command == "crds":
        write(crds_yaml())
        return 0
    if options.command == "loadtest":
        return loadtest(options)
    if "run" in options:
        return int(options.run(options))
    command = {"validate": validate, "render": render}[options.command]
    return command(options.files, read_settings(options.settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="setpoint", description=__doc__)
    parser.add_argument("--version", action="version", version=f"setpoint {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "crds", help="print the CustomResourceDefinitions, for kubectl apply --server-side -f -"
    )
    for name, purpose in (
        ("validate", "name every fault of the InferenceServices in files"),
        ("render", "print what the operator would apply for the InferenceServices in files"),
    ):
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument(
            "-f",
            "--filename",
            dest="files",
            metavar="FILE",
            action="append",
            required=True,
            help="YAML or JSON, - for standard input; may be given several times",
        )
        command.add_argument(
            "--settings", metavar="FILE", help="the administrator's settings, as the chart renders them"
        )
    add_loadtest(commands)
    compare.add_command(commands)
    simulate.add_command(commands)
    plan.add_command(commands)
    tune.add_command(commands)
    replay.add_command(commands)
    status.add_command(commands)
    return parser
