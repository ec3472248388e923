"""Whatever engines tell, in whatever order: no look fails, and no limit moves without good cause."""

from dataclasses import replace
from itertools import chain, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from setpoint.signals.reading import Counters, Judged, Reading, Steps
from setpoint.signals.window import DataState
from setpoint.tuner import planned
from setpoint.tuner.guard import Policy
from setpoint.tuner.knobs import Bounds, Knobs, Start, limits, lowered_to
from setpoint.tuner.learning import Learned
from setpoint.tuner.planning import Plan
from setpoint.tuner.record import Record, parse_record, record_line, replay
from setpoint.tuner.state import Decision, Mode, Observation, OnStop, Settings, State
from setpoint.tuner.tuner import LEASE_SECONDS, decide
from setpoint_vllm.limits_file import Limit
from tests.signals.builders import a_rank
from tests.tuner.builders import BAD, GOOD, ITL, START, TTFT, settings


@pytest.fixture(autouse=True)
def any_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any plan at all, made at once: what it says follows from the lengths that were learnt, and from nothing
    else.
    """

    def made(known: Learned, _: object, start: Start, bounds: Bounds) -> Plan:
        most = min(start.tokens, bounds.most_tokens or start.tokens)
        budgets = [each for each in (1, 300, 1024, 5000) if bounds.least_tokens <= each < most] + [most]
        rates = Random(known.output_tokens).sample(range(9), len(budgets))
        return Plan(dict(zip(budgets, map(float, rates), strict=True)))

    monkeypatch.setattr(planned, "plan", made)


counts = st.sampled_from([0.0, 1.0, 10.0, 25.0, 100.0, 300.0, 1000.0])
judged = st.builds(Judged, counts, counts)
seconds = st.sampled_from([0.5, 5.0, 10.0, 15.0, 30.0, 60.0, 600.0, 1000.0, 2000.0])
grown = st.builds(
    Counters,
    good=counts, late=counts, shed=counts, failed=counts, cut=counts,
    prompt_tokens=counts.map(lambda each: 512 * each), generation_tokens=counts,
    preemptions=counts,
    steps_by_size=st.just({}) | st.builds(lambda some: {64.0: Steps(some), 2048.0: Steps(some)}, counts),
    judged=st.builds(lambda ttft, itl: {TTFT.name: ttft, ITL.name: itl}, judged, judged),
)  # fmt: skip
sights = st.sampled_from(
    ["well"] * 12 + ["missing", "gone", "stale", "future", "restarted", "foreign", "nameless", "unsupported",
     "old generation", "ignored", "no plugin", "no start", "other start", "unconfirmed", "joined", "no time"]
)  # fmt: skip
looks = st.tuples(
    seconds, grown, sights, st.sampled_from([0.0, 3.0, 200.0, 900.0]), st.sampled_from([0.0, 50.0, 5000.0]),
    st.sampled_from([0.1, 0.97]),
)  # fmt: skip
Look = tuple[float, Counters, str, float, float, float]
wishes = st.builds(
    settings,
    st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.RECOMMEND]),
    objectives=st.sampled_from([(TTFT, ITL), (TTFT,), (ITL,)]),
    bounds=st.builds(
        Bounds,
        st.sampled_from([1, 256, 1024, 8192, 10_000]),
        st.sampled_from([1, 64, 2000]),
        st.sampled_from([None, None, None, 128, 2048, 10_000]),
        st.sampled_from([None, None, None, 32, 512, 2000]),
    ),
    on_stop=st.sampled_from(list(OnStop)),
)
Cycle = tuple[Observation, State, Decision, State]


def added(some: Counters, others: Counters) -> Counters:
    sums = {
        name: getattr(some, name) + getattr(others, name)
        for name in ("good", "late", "shed", "failed", "cut", "prompt_tokens", "generation_tokens",
                     "preemptions")
    }  # fmt: skip
    judged = {name: some.judged.get(name, Judged()) + others.judged[name] for name in others.judged}
    sizes = {**some.steps_by_size, **others.steps_by_size}
    nothing = Steps()
    steps = {
        size: some.steps_by_size.get(size, nothing).plus(others.steps_by_size.get(size, nothing))
        for size in sizes
    }
    return Counters(**sums, judged=judged, steps_by_size=steps)


def seen(look: Look, now: float, counters: Counters, state: State, wanted: Settings) -> Observation:
    """What is read of an engine, and how that may go wrong."""
    _, _, sight, running, waiting, usage = look
    rank = a_rank(state.generation, wanted.writer, in_force=limits(state.knobs, START))
    rank = {
        "foreign": replace(rank, writer="somebody"),
        "nameless": replace(rank, writer="", generation=rank.generation + 1),
        "old generation": replace(rank, generation=rank.generation - 1),
        "ignored": replace(rank, in_force=rank.start),
        "no start": replace(rank, start={}),
        "other start": replace(rank, start={**rank.start, Limit.TOKENS: 4096}),
        "unconfirmed": replace(rank, confirmed_seconds=now - 100),
    }.get(sight, rank)
    at = now + {"stale": -100.0, "future": 100.0}.get(sight, 0.0)
    supported, ranks = sight != "unsupported", {} if sight == "no plugin" else {"0": rank}
    reading = Reading(at, counters, running, waiting, usage, ranks, supported)
    readings = {"a": reading, "b": reading} if sight == "joined" else {"a": reading}
    missing = {"b": "no answer"} if sight == "missing" else {}
    told = state.generation or None
    return Observation(now, {} if sight == "gone" else readings, missing, told, sight != "no time")


def cycles(sequence: list[Look], wanted: Settings) -> list[Cycle]:
    now, counters, state, found = 1e9, Counters(), State(), list[Cycle]()
    for look in sequence:
        now += look[0]
        counters = Counters() if look[2] == "restarted" else added(counters, look[1])
        observation = seen(look, now, counters, state, wanted)
        decision, after = decide(observation, state, wanted)
        found.append((observation, state, decision, after))
        state = after
    return found


def minute(ttft: Judged = GOOD, itl: Judged = GOOD, waiting: float = 0.0, **more: float) -> Look:
    """A minute of 500 requests, in a window that is complete."""
    running, usage = more.pop("running", 20.0), more.pop("usage", 0.3)
    of: dict[str, Any] = {
        "good": 500.0,
        "prompt_tokens": 256_000.0,
        "generation_tokens": 64_000.0,
        **more,
    }
    steps = {64.0: Steps(800, 8.0, 40_000.0), 2048.0: Steps(200, 9.0, of["generation_tokens"] + 150_000.0)}
    counted = Counters(**of, judged={TTFT.name: ttft, ITL.name: itl}, steps_by_size=steps)
    return 60.0, counted, "well", running, waiting, usage


minutes = st.sampled_from(
    [
        minute(),
        minute(itl=BAD),
        minute(ttft=BAD, waiting=50.0),
        minute(preemptions=100.0, running=200.0, usage=0.97),
        minute(itl=BAD, good=0.0, late=500.0),
        minute(shed=10.0),
        minute(generation_tokens=20_000.0),
        minute(generation_tokens=200_000.0),
    ]
)
spells = st.tuples(minutes, st.integers(3, 10)).map(lambda spell: [spell[0]] * spell[1])
sequences = st.lists(spells | spells | st.lists(looks, max_size=5), min_size=2, max_size=6).map(
    lambda parts: list(chain.from_iterable(parts))
)


def apart(before: Knobs, after: Knobs) -> int:
    return sum(getattr(before, name) != getattr(after, name) for name in ("tokens", "seqs", "queued_tokens"))


@given(sequences, wishes)
def test_a_limit_moves_only_on_good_data_or_when_its_lease_ends(
    sequence: list[Look], wanted: Settings
) -> None:
    for observation, before, decision, after in cycles(sequence, wanted):
        if before.knobs != after.knobs:
            ends = before.expires_seconds
            has_ended = ends is not None and observation.now_seconds >= ends and after.knobs == Knobs()
            assert has_ended or (decision.data is DataState.OK and decision.is_applied)


@given(sequences, wishes)
def test_one_knob_moves_at_a_time_within_its_bounds(sequence: list[Look], wanted: Settings) -> None:
    for observation, before, decision, after in cycles(sequence, wanted):
        if decision.is_applied and decision.change:
            has_ended = (
                before.expires_seconds is not None and observation.now_seconds >= before.expires_seconds
            )
            is_asked_for = decision.change.policy is Policy.CEILING
            assert apart(decision.change.before, decision.change.after) == 1 or is_asked_for
            assert decision.change.before == (Knobs() if has_ended else before.knobs)
        knobs, bounds = after.knobs, wanted.bounds
        rest = bounds.rest(START) if wanted.mode is Mode.AUTO else Knobs()
        assert knobs.tokens in (None, rest.tokens) or bounds.least_tokens <= knobs.tokens < START.tokens
        assert knobs.seqs in (None, rest.seqs) or bounds.least_seqs <= knobs.seqs < START.seqs
        assert knobs.queued_tokens is None or knobs.queued_tokens > 0


@given(sequences, wishes)
def test_no_limit_is_raised_above_a_ceiling(sequence: list[Look], wanted: Settings) -> None:
    wanted = replace(wanted, mode=Mode.AUTO)
    rest = wanted.bounds.rest(START)
    for _, _, decision, after in cycles(sequence, wanted):
        if decision.is_applied:
            assert lowered_to(rest, after.knobs) == after.knobs


@given(sequences, wishes)
def test_a_step_down_is_no_further_than_half_of_what_steps_were(
    sequence: list[Look], wanted: Settings
) -> None:
    for _, _, decision, after in cycles(sequence, wanted):
        if decision.is_applied and decision.change and decision.change.policy is Policy.SMALLER_BUDGET:
            assert limits(after.knobs, START)[Limit.TOKENS] >= min(64 // 2, wanted.bounds.least_tokens)


@given(sequences, wishes)
def test_late_first_tokens_never_lower_what_an_engine_may_run(sequence: list[Look], wanted: Settings) -> None:
    for _, _, decision, _ in cycles(sequence, wanted):
        late = any(
            e.objective is TTFT and e.verdict == "Broken" and e.effective_count >= 20
            for e in decision.evidence
        )
        if late and decision.change:
            before, after = decision.change.before, decision.change.after
            assert (after.tokens or START.tokens) >= (before.tokens or START.tokens)
            assert (after.seqs or START.seqs) >= (before.seqs or START.seqs)


@given(sequences, wishes)
def test_limits_are_lent_for_half_an_hour_at_most(sequence: list[Look], wanted: Settings) -> None:
    for observation, _, _, after in cycles(sequence, wanted):
        if after.knobs == Knobs():
            assert after.expires_seconds is None
        else:
            assert after.expires_seconds is not None
            assert after.expires_seconds <= observation.now_seconds + LEASE_SECONDS


@given(sequences, wishes)
def test_a_new_generation_comes_with_each_change_and_only_then(
    sequence: list[Look], wanted: Settings
) -> None:
    for (_, _, _, before), (_, _, _, after) in pairwise(cycles(sequence, wanted)):
        assert (before.generation != after.generation) == (before.knobs != after.knobs) or (
            # What ran out and was proposed anew at once is two changes, which may come to the same.
            before.expires_seconds is not None and after.changed_seconds >= before.expires_seconds
        )


@given(sequences, wishes)
def test_recommend_asks_nothing_of_an_engine(sequence: list[Look], wanted: Settings) -> None:
    for _, _, decision, after in cycles(sequence, replace(wanted, mode=Mode.RECOMMEND)):
        assert (after.generation, after.knobs, decision.is_applied) == (1, Knobs(), False)


@given(sequences, wishes)
def test_every_cycle_is_made_again_from_its_line(sequence: list[Look], wanted: Settings) -> None:
    records = [
        Record(observation, wanted, before, decision, after)
        for observation, before, decision, after in cycles(sequence, wanted)
    ]
    again = [parse_record(record_line(each)) for each in records]
    assert again == records
    assert replay(again) == []


def test_these_sequences_make_each_policy_act() -> None:
    acted = set[Policy]()

    @settings_of_hypothesis(max_examples=300, database=None)
    @given(sequences, wishes)
    def collect(sequence: list[Look], wanted: Settings) -> None:
        acted.update(e.change.policy for _, _, e, _ in cycles(sequence, wanted) if e.change and e.is_applied)

    collect()
    assert acted == set(Policy)
