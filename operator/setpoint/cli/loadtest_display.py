"""What a person sees of a load test: how it goes, and its figures as a table."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from setpoint.loadgen.hold import Progress
from setpoint.loadgen.measure import Load
from setpoint.loadgen.report import ClosedLoop, Estimate, Latency, OpenLoop, Report, Stage

_PLAIN_SECONDS = 10.0
"""Between two lines where the output is no terminal."""
_ERASE = "\r\033[K"
_VERDICTS = {True: "met", False: "missed", None: "cannot tell"}
_HEAD = (
    "load",
    "req/s",
    "tok/s",
    "TTFT p50",
    "p95",
    "ITL p50",
    "p95",
    "E2E p95",
    "good",
    "SLO",
    "errors",
    "",
)


class Display:
    """Tells how a load test goes: by one line written over on a terminal, by some lines elsewhere.

    An output that takes nothing more, such as a full disk or a terminal that is gone, ends no load test.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._live = out.isatty()
        self._last = clock()

    def note(self, text: str) -> None:
        """Tell what holds of the whole test."""
        self._line(f"note: {text}")

    def progress(self, progress: Progress) -> None:
        """Tell how a stage goes."""
        now = self._clock()
        if not self._live and now - self._last < _PLAIN_SECONDS:
            return
        self._last = now
        elapsed, duration = progress.elapsed_seconds, progress.duration_seconds
        waited = f" and {elapsed - duration:.0f} s for the last requests" if elapsed > duration else ""
        text = (
            f"{load_text(progress.load)}: {min(elapsed, duration):.0f} of {duration:.0f} s{waited}, "
            f"{progress.answered} answered, {progress.under_way} under way, {progress.failed} failed"
        )
        if self._live:
            self._write(_ERASE + text)
        else:
            self._line(text)

    def stage(self, stage: Stage) -> None:
        """Tell the figures of a stage that is over."""
        cells = _row(stage)
        figures = ", ".join(f"{name} {cell}" for name, cell in zip(_HEAD[1:], cells[1:], strict=True) if cell)
        self._line(f"{cells[0]}: {figures}")
        for reason in _reasons(stage):
            self._line(f"  {reason}")

    def _line(self, text: str) -> None:
        self._write((_ERASE if self._live else "") + text + "\n")
        self._last = self._clock()

    def _write(self, text: str) -> None:
        with suppress(OSError):
            self._out.write(text)
            self._out.flush()


def table(report: Report) -> str:
    """Return the figures of all stages, and what is to be known of them."""
    rows = [_HEAD, *map(_row, report.stages)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, len(_HEAD) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if report.slo:
        lines.append(f"good: meets {report.slo} itself, the ITL by the rule {report.itl_rule}")
    lines += [f"{load_text(stage.load)}: {reason}" for stage in report.stages for reason in _reasons(stage)]
    lines += [f"note: {note}" for note in report.notes]
    if report.capacity:
        lines.append(f"sustainable rate: {report.capacity.told}")
    if not report.complete:
        lines.append("ended early: the figures are of what was measured until then")
    return "\n".join(lines) + "\n"


def load_text(load: Load) -> str:
    """Return a load in a few words."""
    if isinstance(load, ClosedLoop):
        return f"{load.clients} clients" if load.clients > 1 else "1 client"
    rate = f"{load.rate_per_second:.4g}/s"
    return f"{rate} {load.arrivals}" if isinstance(load, OpenLoop) else f"{rate} trace"


def _reasons(stage: Stage) -> tuple[str, ...]:
    """Return why a stage missed its promise, why its figures may not be used, and what they do not show."""
    return (*stage.unmet, *stage.unsteady, *stage.invalid, *stage.notes)


def _row(stage: Stage) -> tuple[str, ...]:
    good = (
        ""
        if stage.good is None or not stage.requests_offered
        else f"{stage.good / stage.requests_offered:.1%}"
    )
    errors = " ".join(f"{kind}:{count}" for kind, count in stage.errors.items())
    return (
        load_text(stage.load),
        f"{stage.requests_per_second.value:.2f}",
        f"{stage.output_tokens_per_second.value:.0f}",
        _time(stage.ttft, "p50"),
        _time(stage.ttft, "p95"),
        _time(stage.itl, "p50"),
        _time(stage.itl, "p95"),
        _time(stage.e2e, "p95"),
        good,
        "" if stage.good is None else _VERDICTS[stage.slo_met],
        errors or "0",
        ", ".join(
            mark
            for mark, applies in (
                ("probe", stage.probe),
                ("INVALID", bool(stage.invalid)),
                ("not stationary", not stage.stationary and not stage.invalid),
            )
            if applies
        ),
    )


def _time(latency: Latency | None, quantile: str) -> str:
    """Return a quantile in milliseconds or seconds; - when nothing was answered."""
    if latency is None:
        return "-"
    estimate: Estimate = getattr(latency, quantile)
    seconds = estimate.value
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
