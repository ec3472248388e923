"""One cycle: may the data be believed, are the limits in force, and what does the guard say.

A limit moves on nothing but data that are OK: counted by every engine, fresh, of engines that keep to the
limits that are wanted and have had the time to show what these do. What moved is a lease: it is renewed while
the data are good, so that a tuner which is gone, or blind, leaves engines that go back to their start values.
"""

from collections.abc import Iterable
from dataclasses import replace

from setpoint.signals.reading import ranks_per_engine
from setpoint.signals.window import DataState, Difference, Window, difference
from setpoint.tuner.evidence import Evidence, evidence
from setpoint.tuner.following import hindrance, told_now
from setpoint.tuner.guard import Memory, Policy, Proposal, Situation, propose, remember
from setpoint.tuner.knobs import Knobs, Start, limits, lowered_to, start_of
from setpoint.tuner.planned import pursue, shortfall
from setpoint.tuner.state import (
    LEAST_SETTLE_SECONDS,
    Change,
    Decision,
    Mode,
    Observation,
    OnStop,
    Reason,
    Settings,
    State,
)
from setpoint_vllm.limits_file import STEP_SECONDS, STEPS, Latency

LEASE_SECONDS = 1800.0
DOUBLINGS_SECONDS = STEPS * STEP_SECONDS
"""How long an engine takes back to its start values after a lease: nothing is wanted of it meanwhile."""
LONGEST_SETTLE_SECONDS = 60.0
LONGEST_GAP_SECONDS = 30.0
"""A window goes on over a time without readings that is no longer: counters lose nothing by it."""
EARLIEST_SECONDS = 10.0
"""No window is looked at before it is so long."""
COMPLETE_COUNT, COMPLETE_SECONDS, LONGEST_SECONDS = 200.0, 30.0, 600.0


def decide(observation: Observation, state: State, settings: Settings) -> tuple[Decision, State]:
    """Return what this cycle comes to, and what it leaves for the next."""
    now = observation.now_seconds
    if settings.mode is not Mode.AUTO:
        state = _stopped(state, settings, now)
    if settings.mode is Mode.DISABLED:
        return Decision(Reason.DISABLED, "tuning is disabled", DataState.OK), state
    is_over = _has_run_out(state, now - DOUBLINGS_SECONDS)
    if state.generation == 0 or state.objectives != settings.objectives or is_over:
        state = _anew(state, settings, now)
    elif now < state.changed_seconds:  # the clock was set back: no time that is remembered means anything
        planned = replace(state.planned, moved_seconds=(), not_before_seconds=0.0)
        state = replace(state, planned=planned)
        settled = replace(state, changed_seconds=now, settled_seconds=None, began={}, memory=Memory())
        state = _anew(state, settings, now) if state.knobs != Knobs() else settled
    state = replace(state, told=told_now(observation, state))
    lost = _lost(observation, settings)
    if lost is not None:
        return Decision(Reason.SIGNAL_LOST, lost.reason, lost.state), _blind(state, now)
    state = replace(state, lost_seconds=None)
    if _has_run_out(state, now):
        state = _anew(state, settings, now)
    start = start_of(observation.readings)
    hindered = hindrance(observation, state, settings, limits(state.knobs, start) if start else {})
    if hindered is not None:
        return hindered, replace(state, began={})
    ceiling = settings.bounds.rest(start) if start and settings.mode is Mode.AUTO else Knobs()
    lowered = lowered_to(ceiling, state.knobs)
    if lowered != state.knobs:
        return _capped(lowered, state, settings, now)
    decision, state = _judge(observation, state, settings, start, ceiling)
    if settings.mode is Mode.AUTO and _may_be_lent_on(decision, state, ceiling):
        state = _renewed(state, now)
    return decision, state


def _blind(state: State, now: float) -> State:
    """The state after a look at which an engine could not be read."""
    since = now if state.lost_seconds is None else min(state.lost_seconds, now)
    began = state.began if now - since < LONGEST_GAP_SECONDS else {}
    return replace(state, lost_seconds=since, began=began)


def _capped(lowered: Knobs, state: State, settings: Settings, now: float) -> tuple[Decision, State]:
    """Bring what stands above a ceiling down to it: that is asked for, whatever the traffic."""
    cause = "a ceiling below the start value is set"
    change = Change(Policy.CEILING, cause, state.knobs, lowered)
    state = _wanting(lowered, state, settings, now)
    return Decision(_acting(state), cause, DataState.OK, change=change, is_applied=True), state


def _may_be_lent_on(decision: Decision, state: State, ceiling: Knobs) -> bool:
    """Whether a lease may be renewed: for a limit that evidence moved it takes more of it, for a ceiling only
    engines that can be read.
    """
    if state.knobs == ceiling or state.expires_seconds is None:
        return decision.data in {DataState.OK, DataState.IDLE, DataState.LOW_TRAFFIC}
    return decision.data is DataState.OK and not _is_of_too_few(decision.evidence)


def _judge(
    observation: Observation, state: State, settings: Settings, start: Start | None, ceiling: Knobs
) -> tuple[Decision, State]:
    now, readings = observation.now_seconds, observation.readings
    if state.settled_seconds is None:
        state = replace(state, settled_seconds=now + state.settle_seconds, began={})
    is_early = now < (state.settled_seconds or 0.0)
    if is_early and not _shows_already(state, now):
        return _holding(state, settings, "what was changed has yet to show what it does"), state
    if not state.began or (state.is_early and not is_early):
        return _holding(state, settings, "a window begins"), replace(state, began=readings, is_early=is_early)
    seen = difference(state.began, readings)
    window = seen.believed
    if window is None:
        lost = seen.state is DataState.INCONSISTENT
        reason = Reason.SIGNAL_LOST if lost else Reason.HOLDING
        return Decision(reason, seen.reason, seen.state), replace(state, began=readings)
    judged = tuple(evidence(each, window) for each in settings.objectives)
    told = _told(state, settings, seen, window, judged)
    is_quiet = state.has_low_traffic or told.data in {DataState.IDLE, DataState.LOW_TRAFFIC}
    state = replace(state, has_low_traffic=is_quiet and _is_of_too_few(judged))
    if window.seconds < EARLIEST_SECONDS:
        return told, state
    if told.data is not DataState.OK:
        # A window that begins while nothing comes would call the next load lower than it is.
        is_over = told.is_complete or told.data is DataState.IDLE
        return told, replace(state, began=readings) if is_over else state
    if start is None:
        message = "an engine has not told what limits it was started with"
        return Decision(Reason.UNSUPPORTED, message, DataState.MISSING), state
    situation = Situation(
        now_seconds=now,
        window=window,
        is_complete=told.is_complete,
        evidence=tuple(each for each in judged if not each.is_of_too_few),
        knobs=state.knobs,
        start=start,
        bounds=settings.bounds,
        replicas=len(state.began.keys() & readings.keys()),
        memory=state.memory,
        ranks_per_engine=max(int(ranks_per_engine(readings)), 1),
        rest=state.planned.rest(ceiling, start, settings.bounds) if _stays(settings) else ceiling,
        ceiling=ceiling,
    )
    return _act(situation, told, state, settings, observation)


def _stays(settings: Settings) -> bool:
    """Whether limits stay where a plan has brought them."""
    return settings.mode is Mode.AUTO or settings.on_stop is OnStop.KEEP


def _act(
    situation: Situation, told: Decision, state: State, settings: Settings, observation: Observation
) -> tuple[Decision, State]:
    readings = observation.readings
    proposal = propose(situation)
    if state.is_early and proposal is not None and proposal.policy is not Policy.SMALLER_BUDGET:
        proposal = None
    elif settings.plans:
        proposal, state = _planned(situation, proposal, state, settings, observation)
    if proposal is None:
        if situation.is_complete:
            state = replace(state, memory=remember(situation), began=readings)
        message = state.memory.unreachable or shortfall(situation, state.planned)
        return replace(told, message=message), state
    change = Change(proposal.policy, proposal.cause, state.knobs, proposal.knobs)
    if settings.mode is Mode.RECOMMEND:
        if situation.is_complete:
            state = replace(state, began=readings)
        return replace(told, change=change, message=f"would act: {proposal.cause}"), state
    state = replace(
        _wanting(proposal.knobs, state, settings, situation.now_seconds),
        memory=proposal.memory,
        settle_seconds=_settle_seconds(situation.window),
        shows_in_gaps=proposal.policy in _SHOWN_BY_GAPS,
    )
    told = replace(told, reason=_acting(state), change=change, is_applied=True, message=proposal.cause)
    return told, state


def _planned(
    situation: Situation,
    proposal: Proposal | None,
    state: State,
    settings: Settings,
    observation: Observation,
) -> tuple[Proposal | None, State]:
    """What is to be done in view of the plan, which learns from a window that ends, and from no other."""
    planned = state.planned
    ends = situation.is_complete or (proposal is not None and settings.mode is Mode.AUTO)
    # What some engines do not tell of their steps would be missing in the sum.
    if ends and all(each.counters.steps_by_size for each in observation.readings.values()):
        planned = planned.taught(situation.window, situation.start)
    if observation.may_plan and planned.is_due(situation.start, settings.bounds):
        planned = planned.revised(settings.objectives, situation.start, settings.bounds)
    proposal, pursued = pursue(situation, proposal, planned)
    # Where nothing is moved, nothing rests anywhere else.
    return proposal, replace(state, planned=pursued if settings.mode is Mode.AUTO else planned)


def _wanting(knobs: Knobs, state: State, settings: Settings, now: float, *, anew: bool = False) -> State:
    """The state in which these knobs are wanted; the same as before where they were, unless `anew`."""
    if knobs == state.knobs and not anew and state.generation:
        return state
    return replace(
        state,
        knobs=knobs,
        generation=state.generation + 1,
        changed_seconds=now,
        expires_seconds=now + LEASE_SECONDS if knobs != Knobs() else None,
        objectives=settings.objectives,
        settle_seconds=LEAST_SETTLE_SECONDS,
        settled_seconds=None,
        shows_in_gaps=False,
        is_early=False,
        began={},
        memory=state.memory if knobs != Knobs() else Memory(),
    )


def _anew(state: State, settings: Settings, now: float) -> State:
    """The state for new objectives, or after a lease.

    Neither old counts nor what was learnt from them says anything of new objectives; and what ran out is no
    longer what engines keep to.
    """
    is_over = _has_run_out(state, now)
    knobs = Knobs() if is_over else state.knobs
    planned = state.planned.at_start() if is_over else state.planned
    if state.objectives != settings.objectives:
        planned = planned.for_others()
    if all(each.latency is not Latency.TTFT for each in settings.objectives):
        knobs = replace(knobs, queued_tokens=None)  # nothing that is judged would ever lift it
    return replace(_wanting(knobs, state, settings, now, anew=True), memory=Memory(), planned=planned)


def _stopped(state: State, settings: Settings, now: float) -> State:
    """What is left of the limits when they may no longer move."""
    if settings.on_stop is OnStop.KEEP and not _has_run_out(state, now):
        return replace(state, expires_seconds=None)
    state = replace(state, planned=state.planned.at_start())
    return _wanting(Knobs(), state, settings, now) if state.knobs != Knobs() else state


def _has_run_out(state: State, now: float) -> bool:
    """Whether the lease is over; the engine then doubles its limits by itself, not to be hit at once."""
    return state.expires_seconds is not None and now >= state.expires_seconds


def _renewed(state: State, now: float) -> State:
    if state.knobs == Knobs():
        return state
    # Limits that were kept without a lease while the mode was another one get one again.
    if state.expires_seconds is not None and state.expires_seconds - now > LEASE_SECONDS / 2:
        return state
    return replace(state, expires_seconds=now + LEASE_SECONDS)


def _lost(observation: Observation, settings: Settings) -> Difference | None:
    """Why the observation says too little, or None."""
    for name, why in observation.missing.items():
        return Difference(DataState.MISSING, f"{name}: {why}")
    if not observation.readings:
        return Difference(DataState.MISSING, "there is no engine")
    for name, each in observation.readings.items():
        age = observation.now_seconds - each.at_seconds
        if age > settings.stale_seconds:
            return Difference(DataState.STALE, f"{name} was last read {age:.0f} s ago")
        if age < -settings.stale_seconds:
            reason = f"{name} was read {-age:.0f} s in the future: set the clocks of both machines"
            return Difference(DataState.INCONSISTENT, reason)
    return None


def _settle_seconds(window: Window) -> float:
    """How long a change takes to show in requests: four times as long as one runs, by Little's law.

    Those that ran before end in one such time; those that queued behind them, and were late for it, take some
    more (on an H100 12 s where a request ran for 4: docs/h100.md).
    """
    seconds = 4 * window.running * window.seconds / max(window.finished, 1.0)
    return min(max(seconds, LEAST_SETTLE_SECONDS), LONGEST_SETTLE_SECONDS)


def _shows_already(state: State, now: float) -> bool:
    """Whether the next gaps between tokens tell what another token budget does, while requests do not yet."""
    in_force_seconds = (state.settled_seconds or 0.0) - state.settle_seconds
    return state.shows_in_gaps and now >= in_force_seconds + LEAST_SETTLE_SECONDS


_SHOWN_BY_GAPS = frozenset(
    {Policy.SMALLER_BUDGET, Policy.PLAN, Policy.RAISE_FOR_FIRST_TOKENS, Policy.GO_BACK}
)


def _is_of_too_few(judged: Iterable[Evidence]) -> bool:
    """Whether no objective has enough latencies to tell anything by."""
    return all(each.is_of_too_few for each in judged)


def _is_complete(window: Window, judged: tuple[Evidence, ...]) -> bool:
    enough = all(each.effective_count >= COMPLETE_COUNT for each in judged)
    return (window.seconds >= COMPLETE_SECONDS and enough) or window.seconds >= LONGEST_SECONDS


def _told(
    state: State, settings: Settings, seen: Difference, window: Window, judged: tuple[Evidence, ...]
) -> Decision:
    requests = window.requests
    data = seen.state
    is_too_short = window.seconds < LONGEST_SECONDS and not state.has_low_traffic
    if data is DataState.OK and _is_of_too_few(judged) and not is_too_short:
        data = DataState.LOW_TRAFFIC
    reason = _reason(state, settings)
    if data in {DataState.IDLE, DataState.LOW_TRAFFIC}:
        reason = Reason.NOT_ENOUGH_TRAFFIC
    return Decision(
        reason=reason,
        message=seen.reason or state.memory.unreachable,
        data=data,
        evidence=judged,
        bad_share=requests.bad_share if requests.count else None,
        window_seconds=window.seconds,
        is_complete=not state.is_early and _is_complete(window, judged),
    )


def _reason(state: State, settings: Settings) -> Reason:
    return Reason.RECOMMENDING if settings.mode is Mode.RECOMMEND else _acting(state)


def _acting(state: State) -> Reason:
    return Reason.GUARDING if state.knobs != Knobs() else Reason.HOLDING


def _holding(state: State, settings: Settings, message: str) -> Decision:
    return Decision(_reason(state, settings), message, DataState.OK)
