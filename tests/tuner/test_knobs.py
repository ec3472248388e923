"""The limits that bring an engine to what is wanted."""

from hypothesis import given
from hypothesis import strategies as st

from setpoint.signals.reading import Steps
from setpoint.tuner.knobs import Knobs, Start, largest_step_tokens, limits, start_of
from setpoint_vllm.limits_file import Limit
from tests.signals.builders import a_rank, a_reading

knob = st.none() | st.integers(1, 100_000)
knobs = st.builds(Knobs, tokens=knob, seqs=knob, queued_tokens=knob)
starts = st.builds(Start, tokens=st.integers(1, 20_000), seqs=st.integers(1, 2000)).filter(
    lambda start: start.tokens >= start.seqs  # vLLM starts with nothing else
)


@given(knobs, starts)
def test_limits_are_never_looser_than_the_start(wanted: Knobs, start: Start) -> None:
    asked = limits(wanted, start)
    assert asked.get(Limit.TOKENS, start.tokens) <= start.tokens
    assert asked.get(Limit.SEQS, start.seqs) <= start.seqs


@given(knobs, starts)
def test_a_step_has_a_token_for_each_sequence(wanted: Knobs, start: Start) -> None:
    asked = limits(wanted, start)
    assert asked.get(Limit.TOKENS, start.tokens) >= asked.get(Limit.SEQS, start.seqs)


def test_start_values_ask_for_nothing() -> None:
    assert limits(Knobs(), Start(8192, 1024)) == {}


def test_the_start_is_the_lowest_of_all_ranks() -> None:
    ranks = {
        "0": a_rank(start={Limit.TOKENS: 8192, Limit.SEQS: 256}),
        "1": a_rank(start={Limit.TOKENS: 4096, Limit.SEQS: 512}),
    }
    assert start_of({"engine": a_reading(ranks=ranks)}) == Start(4096, 256)
    assert start_of({name: a_reading(ranks={"0": rank}) for name, rank in ranks.items()}) == Start(4096, 256)


def test_there_is_no_start_while_a_rank_has_not_told_its_own() -> None:
    assert start_of({}) is None
    ranks = {"0": a_rank(), "1": a_rank(start={Limit.SEQS: 256})}
    assert start_of({"engine": a_reading(ranks=ranks)}) is None


def test_steps_are_as_large_as_99_of_100_were() -> None:
    steps = {64.0: Steps(10.0), 512.0: Steps(89.0), 8192.0: Steps(1.0)}
    assert largest_step_tokens(steps, 8192) == 512
    assert largest_step_tokens(steps, 256) == 256


def test_without_a_step_the_budget_is_all_that_is_known() -> None:
    assert largest_step_tokens({512.0: Steps(0.0)}, 8192) == 8192
