"""`setpoint tune`: hold a promise on one vLLM without Kubernetes, with the tuner that the operator has."""

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import IO, Any, TextIO
from urllib.parse import urlsplit

from setpoint.cli.documents import DocumentError
from setpoint.cli.tune_display import Display, knobs_text
from setpoint.cli.tune_engine import (
    AmbiguousError,
    UnreadableError,
    checked_limits_file,
    prove_readable,
    read_engine,
    read_limits_file,
    write_limits_file,
)
from setpoint.cli.tune_prometheus import EngineInPrometheus, check_flags, parse_selector
from setpoint.cli.tune_prometheus import settings as prometheus_settings
from setpoint.cli.tune_unjudged import Unjudged
from setpoint.cli.typed import typed
from setpoint.prom.client import Prometheus
from setpoint.signals.reading import Reading
from setpoint.tuner.knobs import Bounds, Knobs, Start, start_of
from setpoint.tuner.limits_file import limits_file
from setpoint.tuner.promise import Objective
from setpoint.tuner.record import Record, record_line
from setpoint.tuner.state import Decision, Mode, Observation, OnStop, Reason, Settings, State
from setpoint.tuner.tuner import decide
from setpoint.workload.durations import duration_seconds
from setpoint.workload.objectives import Metric, Slo, parse_slo
from setpoint_vllm.limits_file import Latency

_PURPOSE = "hold a latency promise on one running vLLM by moving its limits, without Kubernetes"
_MODES = (Mode.RECOMMEND, Mode.AUTO)
_LATENCIES = {Metric.TTFT: Latency.TTFT, Metric.ITL: Latency.ITL}
_GIVEN_UP_SECONDS = 60.0
"""Whoever has wanted nothing of an engine for so long has let go of it."""
_SHORTEST_INTERVAL_SECONDS, _LONGEST_INTERVAL_SECONDS = 1.0, 60.0


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("tune", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=tune)
    add = command.add_argument
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--metrics-url", metavar="URL", type=typed(_url),
        help="of the engine's metrics, such as http://127.0.0.1:8000/metrics")  # fmt: skip
    source.add_argument("--prometheus", metavar="URL",
        help="of a Prometheus that scrapes the engine, such as http://prometheus:9090")  # fmt: skip
    add("--selector", metavar="LABELS", type=typed(parse_selector),
        help="of the one engine in that Prometheus, such as 'instance=\"127.0.0.1:8000\"'")  # fmt: skip
    add("--prometheus-token-file", metavar="PATH", type=Path,
        help="with the bearer token for that Prometheus, over https")  # fmt: skip
    add("--limits-file", required=True, metavar="PATH", type=Path,
        help="that the engine was started with (SETPOINT_LIMITS_FILE)")  # fmt: skip
    add("--slo", required=True, metavar="OBJECTIVES", type=typed(parse_slo),
        help="such as itl.p95=60ms,ttft.p95=1s")  # fmt: skip
    add("--mode", metavar="|".join(_MODES), type=typed(_mode), default=Mode.RECOMMEND,
        help="Recommend says what it would do, Auto does it (Recommend)")  # fmt: skip
    add("--interval", metavar="TIME", type=typed(_interval), default=5.0, help="between two looks (5s)")
    add("--least-tokens", metavar="N", type=typed(_count), default=Bounds().least_tokens,
        help=f"no smaller token budget of a step ({Bounds().least_tokens})")  # fmt: skip
    add("--most-tokens", metavar="N", type=typed(_count),
        help="in Auto no larger one, whatever the traffic (what the engine was started with)")  # fmt: skip
    add("--json-log", metavar="FILE", type=Path,
        help="one line for each look: what was seen, and what came of it; for `setpoint replay`")  # fmt: skip
    add("--on-stop", metavar="|".join(OnStop), type=typed(_on_stop), default=OnStop.RESTORE,
        help="at the end: put the start values back, or keep the limits for good (Restore)")  # fmt: skip


def tune(options: argparse.Namespace) -> int:
    """Steer the engine until a signal ends it; return the exit status.

    Raises DocumentError when the SLO cannot be judged by an engine, when bounds contradict each other, when
    Recommend would take limits back, when a file cannot be written, or is something else, or when what reads
    metrics is not installed.
    """
    check_flags(options)
    settings = Settings(
        mode=options.mode,
        objectives=_objectives(options.slo),
        bounds=_bounds(options),
        on_stop=options.on_stop,
        writer=f"setpoint-tune/{socket.gethostname()}/{os.getpid()}",
        stale_seconds=max(30.0, 3 * options.interval),
    )
    stop: SimpleQueue[int] = SimpleQueue()  # unlike an Event it may be told in the midst of being told
    with ExitStack() as files:
        log = _opened(options.json_log, files) if options.json_log else None
        loop = Loop(
            settings,
            options.limits_file,
            _reader(options, files),
            Display(sys.stdout),
            log,
        )
        later: dict[int, Any] = {
            number: signal(number, lambda number, _: stop.put(number)) for number in (SIGINT, SIGTERM)
        }
        try:
            loop.begin(time.time())
            wait_seconds = 0.0
            while not _is_told(stop, wait_seconds):
                loop.look(time.time())
                wait_seconds = options.interval
            loop.stop(time.time())
            later = dict.fromkeys(later, SIG_IGN)  # all is done: one more signal makes no failure of it
        finally:
            for number, handler in later.items():
                signal(number, handler)
    return 0


def _reader(options: argparse.Namespace, files: ExitStack) -> Callable[[float], Reading]:
    """What reads the engine at a Unix time; what it holds open is closed with the files."""
    if options.prometheus is not None:
        reached = prometheus_settings(options.prometheus, options.prometheus_token_file, options.interval)
        prometheus = files.enter_context(Prometheus(reached))
        return EngineInPrometheus(prometheus, options.selector, within_seconds=options.interval).read
    prove_readable()
    return lambda now: read_engine(options.metrics_url, now, timeout_seconds=options.interval)


def _is_told(stop: SimpleQueue[int], wait_seconds: float) -> bool:
    try:
        stop.get(timeout=wait_seconds)
    except Empty:
        return False
    return True


@dataclass
class Loop:
    """The tuner on one engine."""

    settings: Settings
    path: Path
    read: Callable[[float], Reading]
    """Reads the engine at a Unix time. Raises UnreadableError."""
    display: Display
    log: TextIO | IO[str] | None = None
    state: State = field(default_factory=State)
    start: Start | None = None
    _written: str = ""
    _told_generation: int | None = None
    """Of the file as we wrote it."""
    _has_read: bool = False
    _is_frozen: bool = False
    _given_up: tuple[int, float] | None = None
    """The generation of somebody else's limits that are start values again, and since when."""

    def __post_init__(self) -> None:
        self._unjudged = Unjudged(self.settings.objectives)

    def begin(self, now: float) -> None:
        """Find the generation that ours must exceed.

        Raises DocumentError when there is something else than a limits file, when Recommend would take back
        limits that hold now, or when more than one engine is meant.
        """
        found = checked_limits_file(self.path)
        if found.wanted(now):
            writer = found.writer or "somebody"
            if self.settings.mode is Mode.RECOMMEND:
                raise DocumentError(
                    f"--limits-file: {self.path} has limits that {writer} wrote, and Recommend would take "
                    "them back: remove them from the file, or use --mode Auto, which begins at start values"
                )
            self.display.note(f"the limits that {writer} wrote are taken back")
        self.state = replace(self.state, generation=found.generation)
        try:
            self._exceed(self.read(now))
        except AmbiguousError as error:
            raise DocumentError(f"--selector: {error}: name one of them") from None
        except UnreadableError as error:
            self.display.note(f"the engine tells nothing yet: {error}")

    def _exceed(self, reading: Reading) -> None:
        """Let ours be the newest limits, at the first reading of an engine that may know of others."""
        highest = _highest_generation(reading)
        if not self._has_read and highest >= self.state.generation:
            is_told = self._told_generation is not None
            generation = highest + 1 if is_told else highest
            self.state = replace(self.state, generation=generation, changed_seconds=reading.at_seconds)
            self._told_generation = None
        self._has_read = True

    def _go_on(self, reading: Reading, now: float) -> None:
        """Begin anew where somebody else's limits were in force, and for a while there have been none.

        Until then whoever wrote them may be about to move them: two that exceeded one another at once would
        both never see what their limits do.
        """
        highest = _highest_generation(reading)
        if not self._is_frozen or not self._has_given_up(reading, now):
            self._given_up = None
        elif self._given_up is None or self._given_up[0] != highest:
            self._given_up = highest, now
        elif now - self._given_up[1] >= _GIVEN_UP_SECONDS:
            self.display.note("the limits of the other one are the start values again: it goes on from there")
            self.state, self._told_generation = State(generation=highest), None
            self._given_up, self._is_frozen = None, False

    def _has_given_up(self, reading: Reading, now: float) -> bool:
        """Whether the engine keeps to its start values, and no limits wait for it in the file."""
        return not read_limits_file(self.path).wanted(now) and all(
            value >= rank.start.get(limit, inf)
            for rank in reading.ranks.values()
            for limit, value in rank.in_force.items()
        )

    def look(self, now: float) -> Decision:
        """Do one cycle. Raises DocumentError when a file cannot be written."""
        readings, missing = {}, {}
        try:
            readings["engine"] = self.read(now)
            self._exceed(readings["engine"])
            self._go_on(readings["engine"], now)
            self.start = start_of(readings) or self.start
        except UnreadableError as error:
            missing["engine"] = str(error)
        observation = Observation(now, readings, missing, self._told_generation)
        decision, after = decide(observation, self.state, self.settings)
        self._record(Record(observation, self.settings, self.state, decision, after))
        self.state = after
        is_still_frozen = self._is_frozen and decision.reason is Reason.SIGNAL_LOST
        self._is_frozen = decision.reason is Reason.FROZEN or is_still_frozen
        self._write()
        self.display.show(now, decision, after)
        if by_histogram := self._unjudged.look(readings.get("engine")):
            self.display.note(by_histogram)
        return decision

    def stop(self, now: float) -> None:
        """Put the start values back, or leave the limits as they are."""
        if self._is_frozen or self._told_generation is None:
            return  # what the engine keeps to is not ours
        settings = replace(self.settings, mode=Mode.DISABLED)
        before = self.state.knobs
        _, self.state = decide(Observation(now, {}), self.state, settings)
        self._write()
        if before != self.state.knobs:
            self.display.note("the limits go back to the start values")
        elif before != Knobs():
            self.display.note(f"the limits stay for good: {knobs_text(before)}")

    def _write(self) -> None:
        text = limits_file(self.state, self.settings, self.start)
        if text == self._written or self._is_frozen:
            return
        try:
            write_limits_file(self.path, text)
        except OSError as error:
            raise DocumentError(f"--limits-file: {self.path} cannot be written: {error.strerror}") from None
        self._written, self._told_generation = text, self.state.generation

    def _record(self, record: Record) -> None:
        if self.log is None:
            return
        try:
            self.log.write(record_line(record) + "\n")
            self.log.flush()
        except OSError as error:
            with suppress(OSError):  # what it has not taken, it does not take at the end either
                self.log.close()
            self.log = None
            self.display.note(f"--json-log: it takes nothing more: {error.strerror}")


def _highest_generation(reading: Reading) -> int:
    return max((each.generation for each in reading.ranks.values()), default=0)


def _bounds(options: argparse.Namespace) -> Bounds:
    least, most = options.least_tokens, options.most_tokens
    if most is not None and most < least:
        raise DocumentError(
            f"--most-tokens: {most} is less than --least-tokens, {least}: raise it, or lower that"
        )
    return Bounds(least_tokens=least, most_tokens=most)


def _objectives(slo: Slo) -> tuple[Objective, ...]:
    for each in slo.objectives:
        if each.metric not in _LATENCIES:
            raise DocumentError(
                f"--slo: {each} is not judged inside an engine: promise {' or '.join(_LATENCIES)} instead"
            )
    return tuple(
        Objective(each.metric.value, _LATENCIES[each.metric], each.threshold_seconds, each.percentile)
        for each in slo.objectives
    )


def _opened(path: Path, files: ExitStack) -> TextIO:
    try:
        return files.enter_context(path.open("a", encoding="utf-8"))
    except OSError as error:
        raise DocumentError(f"--json-log: {path} cannot be written: {error.strerror}") from None


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or "@" in parts.netloc or not text.isprintable() or " " in text:
        raise ValueError(
            "not an http(s) address without a user; write for example http://127.0.0.1:8000/metrics"
        )
    return text


def _mode(text: str) -> Mode:
    if text not in _MODES:
        raise ValueError(f"{text!r} is no mode: write {' or '.join(_MODES)}")
    return Mode(text)


def _on_stop(text: str) -> OnStop:
    if text not in list(OnStop):
        raise ValueError(f"{text!r} is unknown: write {' or '.join(OnStop)}")
    return OnStop(text)


def _interval(text: str) -> float:
    seconds = duration_seconds(text)
    if not _SHORTEST_INTERVAL_SECONDS <= seconds <= _LONGEST_INTERVAL_SECONDS:
        raise ValueError(f"{text!r} must be from 1s to 60s, such as 5s")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) < 2**31):
        raise ValueError(f"{text!r} is not a whole number of tokens, such as 256")
    return int(text)
