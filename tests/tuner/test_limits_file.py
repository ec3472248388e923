"""The limits file is what the plugin reads."""

from hypothesis import given
from hypothesis import strategies as st

from setpoint.tuner.knobs import Knobs, limits
from setpoint.tuner.limits_file import limits_file
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Mode, Settings, State
from setpoint_vllm.limits_file import Latency, parse
from tests.tuner.builders import START, settings
from tests.tuner.test_knobs import knobs, starts

names = st.text(st.characters(codec="utf-8"), max_size=30)
objectives = st.lists(
    st.builds(Objective, names, st.sampled_from(list(Latency)), st.floats(0, 1e6)), max_size=3
).map(tuple)


@given(knobs, starts, st.integers(0, 2**52), st.none() | st.floats(0, 2**40), names, objectives)
def test_the_plugin_reads_what_is_wanted(wanted, start, generation, expires, writer, promised) -> None:  # type: ignore[no-untyped-def]
    state = State(knobs=wanted, generation=generation, expires_seconds=expires)
    read = parse(limits_file(state, Settings(Mode.AUTO, promised, writer=writer), start))
    assert (read.generation, read.writer) == (generation, writer)
    assert read.limits == limits(wanted, start)
    assert read.expires == (float("inf") if expires is None else expires)
    assert [(each.name, each.latency, each.threshold_seconds) for each in read.objectives] == [
        (each.name, each.latency, each.threshold_seconds) for each in promised
    ]


def test_before_an_engine_has_told_its_start_no_limit_is_written() -> None:
    assert parse(limits_file(State(Knobs(tokens=512)), settings(), None)).limits == {}
    assert parse(limits_file(State(Knobs(tokens=512)), settings(), START)).limits
