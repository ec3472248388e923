"""A decision is made again from its record."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.signals.reading import Steps
from setpoint.tuner.learning import Learned
from setpoint.tuner.record import Record, are_alike, parse_record, record_line, replay
from setpoint.tuner.state import Decision, Observation, Settings, State
from setpoint.tuner.tuner import decide
from tests.tuner.builders import BAD, Tuned, settings


def recorded() -> list[Record]:
    """A run in which a limit moves."""
    tuned = Tuned()
    tuned.lower()
    of = zip(tuned.observations, tuned.decisions, strict=True)
    states = [*(state for _, state in tuned.observations[1:]), tuned.state]
    return [
        Record(observation, tuned.settings, before, decision, after)
        for ((observation, before), decision), after in zip(of, states, strict=True)
    ]


def test_a_run_comes_out_the_same_from_its_lines() -> None:
    lines = [record_line(each) for each in recorded()]
    assert replay(map(parse_record, lines)) == []
    assert not [line for line in lines if "\n" in line]


floats = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@given(floats, floats, floats, st.text(st.characters(codec="utf-8")))
def test_a_record_comes_back_from_its_line_as_it_was(
    now: float, share: float, counted: float, text: str
) -> None:
    tuned = Tuned(now=now)
    tuned.serve(generation_tokens=counted, preemptions=counted)
    counters = replace(tuned.counters, steps_by_size={share: Steps(counted), counted: Steps(share)})
    readings = tuned.readings(counters=counters, kv_cache_usage=share)
    observation = Observation(now, readings, {text: text})
    asked = settings(writer=text)
    decision, after = decide(observation, State(), asked)
    record = Record(observation, asked, State(), decision, after)
    assert parse_record(record_line(record)) == record


def changed(line: str, path: str, value: Any) -> str:
    """The line with another value at a dotted path."""
    content = json.loads(line)
    at = content
    *above, last = path.split(".")
    for name in above:
        at = at[name]
    at[last] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("decision.reason", "Holding", "decision.reason"),
        ("decision.change.after.tokens", 2048, "decision.change"),
        ("after.knobs.tokens", 2048, "after.knobs"),
        ("after.expires_seconds", 1.0, "after.expires_seconds"),
    ],
)
def test_what_was_tampered_with_is_found_and_named(path: str, value: Any, field: str) -> None:
    *before, last = map(record_line, recorded())
    (difference,) = replay(map(parse_record, [*before, changed(last, path, value)]))
    assert difference.number == len(before) + 1
    assert [each.split(":")[0] for each in difference.fields] == [field]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the line: Invalid JSON"),
        ("{}", "observation: Field required"),
        ("<html>", "the line: Invalid JSON"),
        (changed(record_line(recorded()[0]), "observation.now_seconds", "soon"), "observation.now_seconds: "),
        (changed(record_line(recorded()[0]), "settings.mode", "Wild"), "settings.mode: "),
    ],
)
def test_what_is_no_record_is_named(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_record(line)


@given(st.text() | st.binary().map(lambda each: each.decode("latin-1")))
def test_no_line_is_answered_by_anything_but_a_record_or_what_is_wrong_with_it(line: str) -> None:
    with pytest.raises(ValueError, match=": "):
        parse_record(line)


def test_settings_with_what_a_person_wants_are_part_of_the_record() -> None:
    record = recorded()[-1]
    other = replace(record, settings=replace(record.settings, objectives=()))
    assert replay([other])


def test_a_decision_hangs_on_nothing_but_what_is_recorded() -> None:
    tuned = Tuned()
    tuned.begin()
    tuned.serve(itl=BAD)
    tuned.look()
    observation, before = tuned.observations[-1]
    of: list[tuple[Decision, State]] = [decide(observation, before, wanted()) for _ in range(2)]
    assert of[0] == of[1] == (tuned.decisions[-1], tuned.state)


def wanted() -> Settings:
    return settings()


def test_what_differs_in_the_last_digits_alone_is_the_same() -> None:
    state = recorded()[-1].after

    def planned(output_tokens: float, *moved_seconds: float) -> State:
        known = Learned(output_tokens=output_tokens)
        return replace(state, planned=replace(state.planned, known=known, moved_seconds=moved_seconds))

    assert are_alike(planned(100.0, 1.0), planned(100.0 * (1 + 1e-9), 1.0 + 1e-9))
    assert not are_alike(planned(100.0), planned(100.1))
    assert not are_alike(planned(100.0, 1.0), planned(100.0))
