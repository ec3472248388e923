"""What the tuner knows of one service between two cycles, and how it comes back after a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter, ValidationError

from setpoint.api.inferenceservice import InferenceService
from setpoint.orchestrations.live_limits import objectives_of
from setpoint.signals.reading import Reading
from setpoint.tuner.history import History
from setpoint.tuner.knobs import Bounds, Knobs, Start, limits, start_of
from setpoint.tuner.promise import Objective
from setpoint.tuner.record import Record
from setpoint.tuner.state import Change, Decision, Mode, Observation, OnStop, Reason, Settings, State
from setpoint.tuner.tuner import decide
from setpoint_vllm.limits_file import Limit, LimitsFile, parse

MOST_DECISIONS = 20
SAME_SHARE = 0.25
"""A recommended value that is no further from the one that is shown says nothing new."""
_STATE = TypeAdapter(State)


@dataclass(frozen=True)
class Done:
    """A change that was made or recommended, and what came of it."""

    at_seconds: float
    change: Change
    is_applied: bool
    bad_share_before: float | None
    bad_share_after: float | None = None
    """Of the first complete window after it."""


@dataclass(frozen=True)
class Tuned:
    """One service."""

    state: State = field(default_factory=State)
    start: Start | None = None
    """What its engines were started with, as far as they have told."""
    history: History = field(default_factory=lambda: History(300.0))
    """Of engines that judge by these objectives, since they all do."""
    objectives: tuple[Objective, ...] = ()
    promised_generation: int | None = None
    """Of the first limits file that was seen with these objectives; None before there was one."""
    lost_cycles: int = 0
    """So many cycles in a row, up to the last, told too little of the engines."""
    unjudged: str = ""
    """Why the engines' verdicts are none on these objectives; empty where they are."""
    done: tuple[Done, ...] = ()
    """The last changes, the newest first."""
    stored_limits: Mapping[Limit, int] = field(default_factory=dict)
    """What was wanted when this process started, until the engines have told what they were started with."""

    def wanted(self) -> dict[Limit, int]:
        """The limits that are wanted off their start values."""
        if self.state.knobs == Knobs():
            return {}
        return limits(self.state.knobs, self.start) if self.start else dict(self.stored_limits)


def settings_of(service: InferenceService, uid: str, *, killed: bool, interval_seconds: float) -> Settings:
    """Return what a service's spec asks of the tuner; a switch that is thrown outdoes it."""
    tuning, slo = service.spec.tuning, service.spec.slo
    tokens, seqs = tuning.bounds.max_num_batched_tokens, tuning.bounds.max_num_seqs
    return Settings(
        mode=Mode.DISABLED if killed or slo is None else Mode(tuning.mode.value),
        objectives=objectives_of(service),
        bounds=Bounds(
            least_tokens=(tokens and tokens.min) or Bounds().least_tokens,
            least_seqs=(seqs and seqs.min) or Bounds().least_seqs,
            most_tokens=tokens.max if tokens else None,
            most_seqs=seqs.max if seqs else None,
        ),
        on_stop=OnStop.RESTORE if killed else OnStop(tuning.on_stop.value),
        writer=uid,
        stale_seconds=max(30.0, 3 * interval_seconds),
    )


def cycle(
    tuned: Tuned, observation: Observation, settings: Settings, told: str | None, window_seconds: float
) -> tuple[Record, Tuned]:
    """Do one cycle of the tuner on one service; `told` is the limits file that stands.

    Return the decision with all that it was made from, and what is known after it.
    """
    tuned = replace(tuned, start=start_of(observation.readings) or tuned.start)
    file = _promising(told, settings)
    follows = file is not None and file.limits == tuned.wanted()
    observation = replace(observation, told_generation=file.generation if file and follows else None)
    decision, state = decide(observation, tuned.state, settings)
    record = Record(observation, settings, tuned.state, decision, state)
    done = after_decision(tuned.done, decision, observation.now_seconds)
    tuned = _watched(tuned, observation, settings, file, window_seconds)
    is_lost = bool(observation.missing) or decision.reason is Reason.SIGNAL_LOST
    return record, replace(tuned, state=state, done=done, lost_cycles=tuned.lost_cycles + 1 if is_lost else 0)


def stored_state(state: State) -> str:
    """Return what of a state outlives this process; a window does not: it begins anew."""
    kept = replace(state, began={}, settled_seconds=None, planned=state.planned.stored())
    return _STATE.dump_json(kept).decode()


def restored_state(text: str) -> State:
    """Return a state that was stored; a new one where the text is none."""
    try:
        return _STATE.validate_json(text)
    except ValidationError:
        return State()


def _promising(told: str | None, settings: Settings) -> LimitsFile | None:
    """The limits file that stands, if it is ours and has the objectives that are promised."""
    if told is None:
        return None
    try:
        file = parse(told)
    except ValueError:
        return None
    promised = {(each.name, each.latency, each.threshold_seconds) for each in file.objectives}
    wanted = {(each.name, each.latency, each.threshold_seconds) for each in settings.objectives}
    return file if file.writer == settings.writer and promised == wanted else None


def _watched(
    tuned: Tuned,
    observation: Observation,
    settings: Settings,
    file: LimitsFile | None,
    window_seconds: float,
) -> Tuned:
    """What is known with one more moment in the history, unless the verdicts are on other objectives."""
    history, first = tuned.history, tuned.promised_generation
    if tuned.objectives != settings.objectives:
        first = None
    if file is not None:
        # One that is lower than the first was written after all that had stood there was gone.
        first = file.generation if first is None else min(first, file.generation)
    readings = observation.readings
    unjudged = _unjudged(readings, settings.writer, None if file is None else first)
    if (
        tuned.objectives != settings.objectives
        or history.window_seconds != window_seconds
        or (unjudged and readings)
    ):
        history = History(window_seconds)
    if readings and not observation.missing and not unjudged:
        history = history.with_readings(observation.now_seconds, readings)
    return replace(
        tuned,
        history=history,
        objectives=settings.objectives,
        promised_generation=first,
        unjudged=unjudged,
    )


def _unjudged(readings: Mapping[str, Reading], writer: str, first: int | None) -> str:
    """Why verdicts of these engines are none on what is promised by `writer` since generation `first`; empty
    where they are, also of engines that give none.
    """
    for name, reading in readings.items():
        if reading.is_judging and first is None:
            return "no limits file with this promise was written yet"
        # An engine whose limits cannot be moved shows no generation, and judges by the file all the same.
        if reading.supported and not reading.ranks:
            return f"{name} has yet to tell which limits file it keeps to"
        for rank, each in reading.ranks.items():
            if each.writer not in {"", writer}:
                return f"{name}: rank {rank} keeps to a file of {each.writer}"
            if first is not None and each.generation < first:
                return (
                    f"{name}: rank {rank} keeps to generation {each.generation}, and this promise is of"
                    f" generation {first}"
                )
    return ""


def after_decision(before: tuple[Done, ...], decision: Decision, now: float) -> tuple[Done, ...]:
    """Return the last changes, with that of a decision at this Unix time; one that repeats is none."""
    if before and before[0].bad_share_after is None and decision.is_complete:
        before = (replace(before[0], bad_share_after=decision.bad_share), *before[1:])
    change = decision.change
    if change is None or _is_repeated(before, change, decision):
        return before
    new = Done(now, change, decision.is_applied, decision.bad_share)
    return (new, *before)[:MOST_DECISIONS]


def _is_repeated(before: tuple[Done, ...], change: Change, decision: Decision) -> bool:
    """Whether the same is recommended as the last time, by figures that are a little different."""
    if decision.is_applied or not before or before[0].is_applied:
        return False
    last = before[0].change
    was, now = last.after.moved, change.after.moved
    return (
        (last.policy, last.before, was.keys()) == (change.policy, change.before, now.keys())
        # The bound of a queue follows the rate that was measured just now.
        and all(abs(now[limit] - value) <= SAME_SHARE * value for limit, value in was.items())
    )
