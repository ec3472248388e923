"""`setpoint simulate fit`: parameters of a GPU from tables that were measured on it."""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.cli.simulate_files import read_model
from setpoint.cli.version import version
from setpoint.simulator.check import median_errors
from setpoint.simulator.fit import cells, fit
from setpoint.simulator.gpus import gpu
from setpoint.simulator.measured import read_table
from setpoint.simulator.parameters import TYPICAL
from setpoint.simulator.replay import Machine

_PURPOSE = "fit the parameters of a GPU to tables measured on it"
_EVALUATIONS = 500
_PROGRESS_EVERY = 20


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("fit", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=simulate_fit)
    add = command.add_argument
    add("--rows", required=True, nargs="+", metavar="FILE", help="tables, closed loop or open loop")
    add("--model-config", required=True, metavar="FILE", help="config.json of the model that was measured")
    add("--gpu", required=True, metavar="NAME", help="that it was measured on, such as H100")
    add("--out", required=True, metavar="FILE", help="where the parameters go")
    add("--evaluations", type=int, default=_EVALUATIONS, metavar="N",
        help=f"replays of the tables, of a second or so each ({_EVALUATIONS})")  # fmt: skip


def simulate_fit(options: argparse.Namespace) -> int:
    """Fit, write the file, print the errors that remain; return the exit status.

    Raises DocumentError when an input cannot be read or the file not be written, before the fit.
    """
    shape = read_model(options.model_config)
    try:
        tables = [read_table(path) for path in options.rows]
        machine = Machine(gpu(options.gpu), shape)
        machine.check_starts(tables)
    except ValueError as error:
        raise DocumentError(str(error)) from None
    if options.evaluations < 1:
        raise DocumentError(f"--evaluations: {options.evaluations} must be at least 1")
    out = Path(options.out)
    _check_writable(out)
    try:
        found = fit(
            [partial(cells, table, machine) for table in tables],
            TYPICAL,
            options.evaluations,
            progress=_tell,
        )
    except ModuleNotFoundError:
        raise DocumentError("a fit needs SciPy: pip install 'setpoint[simulate]'") from None
    errors = median_errors([each for table in tables for each in cells(table, machine, found.parameters)])
    content = {
        "gpu": options.gpu,
        "parameters": asdict(found.parameters),
        "fitted": {
            "rows": [Path(path).name for path in options.rows],
            "evaluations": found.evaluations,
            "loss": found.loss,
            "median_error": errors,
            "setpoint": version(),
        },
    }
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    told = ", ".join(f"{figure} {error:.1%}" for figure, error in errors.items())
    write(f"{out}: median error of {sum(len(table.rows) for table in tables)} rows, all fitted: {told}\n")
    return 0


def _check_writable(path: Path) -> None:
    """Find out before a long fit whether its file can be written, and leave no file, or the one there was."""
    try:
        missing = not path.exists()
        path.open("ab").close()
        if missing:
            path.resolve().unlink()
    except OSError as error:
        raise DocumentError(f"--out: {path} cannot be written: {error.strerror}") from None


def _tell(evaluations: int, loss: float) -> None:
    if evaluations % _PROGRESS_EVERY == 0:
        print(f"{evaluations} evaluations, least loss {loss:.4f}", file=sys.stderr)
