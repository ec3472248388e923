"""Reports read from files, each with the letter that stands for it in tables and plots."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from setpoint.loadgen.report import SCHEMA, OpenEstimate, Report
from setpoint.workload.objectives import Objective, parse_slo

_IN_FOLDER = "report.json"
_MOST_FAULTS = 5
"""Told of one file: the rest most often follows from the first."""


class RunError(Exception):
    """A file that is no report; the message names the file, the field, and what to do."""


@dataclass(frozen=True, slots=True)
class Run:
    """One report."""

    label: str
    """A, B, ..., Z, AA, ... in the order given."""
    path: str
    report: Report


def read_runs(paths: Sequence[str]) -> list[Run]:
    """Return the reports of the files, or of the folders that load tests wrote, in order.

    Raises RunError for the first that is no report.
    """
    return [Run(_label(number), path, _report(path)) for number, path in enumerate(map(_file, paths))]


def _file(path: str) -> str:
    return str(Path(path, _IN_FOLDER)) if Path(path).is_dir() else path


def same_slo(runs: Sequence[Run]) -> bool:
    """Return whether one promise, judged by one rule, was held against all of them."""
    return len({(promised(run.report), run.report.itl_rule) for run in runs}) == 1


def promised(report: Report) -> frozenset[Objective]:
    """Return what the SLO promises, however it is written; empty without one."""
    return frozenset(parse_slo(report.slo).objectives if report.slo is not None else ())


def _label(number: int) -> str:
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters


def _report(path: str) -> Report:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}: name a report's JSON file") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: is not UTF-8 at byte {error.start}: name a report's JSON file") from error
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise RunError(f"{path}: is not JSON: {error}: name a report's JSON file") from error
    _check_schema(value, path)
    try:
        report = Report.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise RunError("\n".join(_faults(error, path))) from error
    _check_meaning(report, path)
    return report


def _check_meaning(report: Report, path: str) -> None:
    """Refuse what the schema lets pass and no load test writes: somebody edited the file."""
    if report.slo is not None:
        try:
            parse_slo(report.slo)
        except ValueError as error:
            raise RunError(f"{path}: slo: {error}") from error
    if report.capacity and (
        len(report.capacity.stages) != len(report.capacity.verdicts)
        or any(index >= len(report.stages) or index < 0 for index in report.capacity.stages)
    ):
        raise RunError(
            f"{path}: capacity.stages: {report.capacity.stages} does not fit its verdicts and the "
            f"{len(report.stages)} stages: run the load test again"
        )
    for field, estimate in _estimates(report, ""):
        high = estimate.value if estimate.high is None else estimate.high
        if not (math.isfinite(high) and estimate.low <= estimate.value <= high):
            raise RunError(
                f"{path}: {field}: {estimate.value} does not lie between its bounds {estimate.low} and "
                f"{estimate.high}: run the load test again"
            )


def _check_schema(value: Any, path: str) -> None:
    if not isinstance(value, dict) or "schema_version" not in value:
        raise RunError(f"{path}: schema_version: is missing: name a file that `setpoint loadtest` wrote")
    if value["schema_version"] != SCHEMA:
        raise RunError(
            f"{path}: schema_version: {value['schema_version']!r} is not {SCHEMA!r}: "
            "compare with the version of setpoint that wrote it, or run the load test again"
        )


def _faults(error: ValidationError, path: str) -> Iterator[str]:
    found = error.errors(include_url=False)
    for details in found[:_MOST_FAULTS]:
        field = ".".join(map(str, details["loc"]))
        shown = "" if isinstance(details["input"], dict | list) else f"{details['input']!r}: "
        yield f"{path}: {field}: {shown}{details['msg']}"
    if len(found) > _MOST_FAULTS:
        yield f"{path}: and {len(found) - _MOST_FAULTS} faults more"


def _estimates(part: BaseModel, prefix: str) -> Iterator[tuple[str, OpenEstimate]]:
    """Every estimate below `part`, with the path of its field."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        for index, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
            field = f"{prefix}{name}" if index is None else f"{prefix}{name}.{index}"
            if isinstance(each, OpenEstimate):
                yield field, each
            elif isinstance(each, BaseModel):
                yield from _estimates(each, f"{field}.")
