"""`setpoint simulate check`: the simulator against a measured table, cell by cell."""

import argparse
import json
from typing import Any

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.cli.simulate_files import read_model, read_parameters
from setpoint.simulator.check import Cell, median_errors, rank_correlations
from setpoint.simulator.fit import cells
from setpoint.simulator.gpus import gpu
from setpoint.simulator.measured import FIGURES, read_table
from setpoint.simulator.replay import Machine

_PURPOSE = "replay a measured table, and print how far the simulator is off"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("check", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=simulate_check)
    add = command.add_argument
    add("--rows", required=True, metavar="FILE", help="a table, closed loop or open loop")
    add("--params", required=True, metavar="FILE", help="what `simulate fit` wrote, also names the GPU")
    add("--model-config", required=True, metavar="FILE", help="config.json of the model that was measured")
    add("--json", action="store_true", help="print JSON, and nothing else")


def simulate_check(options: argparse.Namespace) -> int:
    """Print the comparison; return the exit status. Raises DocumentError when an input cannot be read."""
    gpu_name, parameters = read_parameters(options.params)
    shape = read_model(options.model_config)
    try:
        table = read_table(options.rows)
        machine = Machine(gpu(gpu_name), shape)
        machine.check_starts([table])
    except ValueError as error:
        raise DocumentError(str(error)) from None
    compared = cells(table, machine, parameters)
    if options.json:
        content = {
            "cells": [_cell(cell) for cell in compared],
            "median_error": median_errors(compared),
            "rank_correlation": rank_correlations(compared),
        }
        write(json.dumps(content) + "\n")
    else:
        write(_table(compared))
    return 0


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        **cell.row.settings,
        "measured": {figure: cell.row.figures[figure] for figure in FIGURES},
        "simulated": {figure: cell.simulated[figure] for figure in FIGURES},
        "error": {figure: cell.error(figure) for figure in FIGURES},
    }


def _table(compared: list[Cell]) -> str:
    lines = ["cell: measured, simulated, error of each"]
    for cell in compared:
        settings = " ".join(f"{name} {value:g}" for name, value in cell.row.settings.items())
        figures = "  ".join(
            f"{figure} {cell.row.figures[figure]:.5g} {cell.simulated[figure]:.5g} {cell.error(figure):.1%}"
            for figure in FIGURES
        )
        lines.append(f"{settings}: {figures}")
    correlations = rank_correlations(compared)
    for figure, error in median_errors(compared).items():
        correlation = correlations[figure]
        ranked = "none" if correlation is None else f"{correlation:.3f}"
        lines.append(f"{figure}: median error {error:.1%}, rank correlation {ranked}")
    return "\n".join(lines) + "\n"
