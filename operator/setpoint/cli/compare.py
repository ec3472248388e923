"""`setpoint compare`: reports of load tests side by side."""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.compare.comparison import Comparison
from setpoint.compare.comparison import compare as compare_runs
from setpoint.compare.cost import Price
from setpoint.compare.document import document
from setpoint.compare.markdown import markdown
from setpoint.compare.runs import RunError, read_runs

_Value = TypeVar("_Value")
_PURPOSE = "set reports of load tests side by side, and say which differences exceed the noise"
_CURRENCY = "USD"
_HIGHEST_PRICE = 1_000_000
"""Of a GPU hour: a larger number is a slip."""
_PLAIN_WIDTH, _WIDEST = 100, 140
"""Columns where the output is no terminal, and those beyond which lines are hard to follow."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("compare", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=compare)
    command.add_argument(
        "files", metavar="REPORT.json", nargs="+", help="of `setpoint loadtest`; the first is compared with"
    )
    command.add_argument("--format", choices=("table", "markdown"), default="table", help="what is printed")
    command.add_argument("--html", metavar="FILE", type=Path, help="also write a page with plots")
    command.add_argument(
        "--price-per-gpu-hour",
        metavar="PRICE",
        type=_prices,
        help="such as 2.50: gives the cost of tokens; one for all, or one a report with commas between",
    )
    command.add_argument("--currency", type=_currency, help=f"of the price, as three letters ({_CURRENCY})")
    command.add_argument(
        "--gpus",
        metavar="NUMBER",
        type=_gpus,
        help="that the price is paid for (1); one for all, or one a report",
    )


def compare(options: argparse.Namespace) -> int:
    """Print the comparison, write the page; return the exit status.

    Raises DocumentError when a file is no report, a flag does not fit, or the page cannot be written.
    """
    if options.format == "table":
        _require("rich", "--format table", "or use --format markdown")
    if options.html:
        _require("matplotlib", "--html", "or leave out --html")
        _check_writable(options.html, options.files)
    prices = _price_of_each(options)
    try:
        comparison = compare_runs(read_runs(options.files), prices)
    except RunError as error:
        raise DocumentError(str(error)) from error
    if options.html:
        _write_page(options.html, comparison)
    write(markdown(document(comparison)) if options.format == "markdown" else _table(comparison))
    return 0


def _table(comparison: Comparison) -> str:
    from setpoint.compare.terminal import terminal  # needs rich

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, _WIDEST) if on_terminal else _PLAIN_WIDTH
    return terminal(document(comparison), width=width, colour=on_terminal and "NO_COLOR" not in os.environ)


def _write_page(path: Path, comparison: Comparison) -> None:
    from setpoint.compare.page import page  # needs matplotlib

    try:
        path.write_text(page(comparison), encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"--html: {path}: cannot be written: {error.strerror}") from error


def _require(module: str, flag: str, otherwise: str) -> None:
    if find_spec(module) is None:
        raise DocumentError(f"{flag}: needs {module}: pip install 'setpoint[compare]', {otherwise}")


def _check_writable(path: Path, inputs: Sequence[str]) -> None:
    """Find out before the work whether the page can be written, and that no report is lost by it."""
    if any(path.resolve() == Path(each).resolve() for each in inputs):
        raise DocumentError(f"--html: {path}: is one of the reports: name another file")
    if path.is_dir():
        raise DocumentError(f"--html: {path}: is a folder: name a file in it")
    if not path.parent.is_dir():
        raise DocumentError(f"--html: {path}: there is no folder {path.parent}: make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise DocumentError(f"--html: {path}: may not be written: name a file elsewhere")


def _price_of_each(options: argparse.Namespace) -> list[Price]:
    if options.price_per_gpu_hour is None:
        for flag, value in (("--gpus", options.gpus), ("--currency", options.currency)):
            if value is not None:
                raise DocumentError(f"{flag}: counts only with a price: add --price-per-gpu-hour")
        return []
    count = len(options.files)
    prices = _one_for_each("--price-per-gpu-hour", options.price_per_gpu_hour, count)
    gpus = _one_for_each("--gpus", options.gpus or [1], count)
    currency = options.currency or _CURRENCY
    return [Price(price, currency, number) for price, number in zip(prices, gpus, strict=True)]


def _one_for_each(flag: str, given: Sequence[_Value], count: int) -> Sequence[_Value]:
    if len(given) not in (1, count):
        raise DocumentError(
            f"{flag}: has {len(given)} values for {count} reports: give one for all, or one for each"
        )
    return list(given) * count if len(given) == 1 else given


def _prices(text: str) -> list[Decimal]:
    return [_price(part) for part in text.split(",")]


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(0)
    if not (price.is_finite() and 0 < price <= _HIGHEST_PRICE):
        raise argparse.ArgumentTypeError(f"{text!r} is not a price above 0: write for example 2.50")
    return price


def _gpus(text: str) -> list[int]:
    numbers = text.split(",")
    for number in numbers:
        if not re.fullmatch(r"[1-9][0-9]{0,5}", number):
            raise argparse.ArgumentTypeError(f"{number!r} is not a number of GPUs: write for example 1")
    return list(map(int, numbers))


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a currency: write three letters, such as USD")
    return text
