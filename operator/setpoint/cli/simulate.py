"""`setpoint simulate`: a vLLM engine without a GPU, in virtual time; its fit and its check."""

import argparse

from setpoint.cli import simulate_check, simulate_fit, simulate_run

_PURPOSE = "run a vLLM engine without a GPU, in virtual time"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command, with its own commands and their flags, to the command line."""
    command = commands.add_parser("simulate", help=_PURPOSE, description=_PURPOSE)
    parts = command.add_subparsers(dest="part", required=True, metavar="COMMAND")
    for each in (simulate_run, simulate_fit, simulate_check):
        each.add_command(parts)
