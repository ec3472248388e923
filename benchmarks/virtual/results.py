"""A file of results: what it was measured on, and one row a line, written as they come."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from setpoint.simulator import scheduler

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
TUNER = ("operator/setpoint/tuner", "operator/setpoint/signals")
"""What decides how the tuner comes out."""


def read(path: Path) -> dict[str, Any]:
    """Return the content, with no rows where there is no file yet."""
    return dict(json.loads(path.read_text())) if path.exists() else {"rows": []}


def write(path: Path, found: dict[str, Any], place: Callable[[dict[str, Any]], Any]) -> None:
    """Write the rows in the order of their places; the file is whole at every moment."""
    found["rows"].sort(key=place)
    head = json.dumps({name: value for name, value in found.items() if name != "rows"}, indent=1)
    lines = ",\n".join(f"  {json.dumps(each)}" for each in found["rows"])
    partial = path.with_suffix(".partial")
    partial.write_text(f'{head[:-2]},\n "rows": [\n{lines}\n ]\n}}\n')
    partial.replace(path)


def measured_on(*decisive: str) -> dict[str, str]:
    """Return the date, the newest commit of what decides on the results, and the machine."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", *decisive],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    python = f"Python {platform.python_version()}"
    if not scheduler.__file__.endswith(".py"):
        python += ", the simulator compiled by mypyc"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {python}",
    }


def gather(
    path: Path,
    found: dict[str, Any],
    place: Callable[[dict[str, Any]], Any],
    work: Sequence[T],
    rows_of: Callable[[T], Iterable[Any]],
    processes: int,
) -> None:
    """Do the work in so many processes, and write the rows of each piece, dataclasses, when it is done."""
    began = time.monotonic()
    with ProcessPoolExecutor(processes, initializer=_be_nice) as pool:
        under_way = [pool.submit(rows_of, each) for each in work]
        for number, each in enumerate(as_completed(under_way), 1):
            found["rows"] += map(asdict, each.result())
            write(path, found, place)
            print(f"{number} of {len(work)}, {time.monotonic() - began:.0f} s", flush=True)


def _be_nice() -> None:
    """Give way to whatever else runs here."""
    if os.nice(0) < 10:
        os.nice(10)
