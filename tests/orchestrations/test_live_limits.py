from hypothesis import assume, given
from hypothesis import strategies as st

from setpoint.orchestrations import live_limits
from setpoint_vllm.limits_file import Latency, LimitsFile, Objective, newest, parse
from tests.builders import inference_service
from tests.orchestrations.promises import SLO

SERVICE = inference_service(slo=SLO)
SEEN = st.one_of(
    st.text(max_size=8),
    st.builds('{{"generation":{},"limits":{{"seqs":1}}}}'.format, st.integers(1, 9)),
    st.builds(
        lambda generation, writer, service: live_limits.limits_file(
            service, writer=writer, seen=(), generation=generation
        ),
        st.one_of(st.integers(1, 9), st.sampled_from([2**53 - 2, 2**53 - 1])),
        st.sampled_from(["uid-1", "somebody"]),
        st.sampled_from([SERVICE, inference_service()]),
    ),
)


def limits_file(*seen: str, generation: int = 1) -> str:
    return live_limits.limits_file(SERVICE, writer="uid-1", seen=seen, generation=generation)


def test_the_plugin_reads_what_is_promised() -> None:
    assert parse(limits_file(generation=7)) == LimitsFile(
        generation=7,
        writer="uid-1",
        objectives=(
            Objective("first-token", Latency.TTFT, 1.0),
            Objective("between-tokens", Latency.ITL, 0.06),
        ),
    )


def test_another_generation_of_the_spec_alone_changes_nothing() -> None:
    assert limits_file(limits_file(), generation=7) == limits_file()


def test_what_somebody_wrote_with_our_generation_is_outdone() -> None:
    text = limits_file('{"generation":5,"limits":{"seqs":1}}', limits_file(generation=5))

    assert parse(text).generation == 6


@given(st.lists(SEEN, max_size=4), st.integers(1, 9))
def test_it_is_believed_before_whatever_engines_may_see(seen: list[str], generation: int) -> None:
    text = limits_file(*seen, generation=generation)

    found = []
    for each in seen:
        try:
            found.append(parse(each))
        except ValueError:
            continue
    # Beyond the highest generation nothing goes: then the text that replaces the others is believed.
    assume(all(each.generation < 2**53 - 1 for each in found))
    assert newest([*found, parse(text)], LimitsFile()) == parse(text)


@given(st.lists(SEEN, max_size=4), st.integers(1, 9))
def test_once_written_it_stays(seen: list[str], generation: int) -> None:
    text = limits_file(*seen, generation=generation)

    assert limits_file(text, generation=generation) == text
    assert limits_file(text, text, generation=generation) == text
