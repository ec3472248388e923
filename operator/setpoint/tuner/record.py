"""A decision with all that it was made from, one line of JSON each, to be made again."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from setpoint.tuner.state import Decision, Observation, Settings, State
from setpoint.tuner.tuner import decide

SAME_SHARE = 1e-6
"""Figures that are no further apart are the same: what was learnt on an H200 came out anew on another machine
with other last digits (docs/h200.md)."""


@dataclass(frozen=True)
class Record:
    """One cycle."""

    observation: Observation
    settings: Settings
    before: State
    decision: Decision
    after: State


_RECORD = TypeAdapter(Record)


def record_line(record: Record) -> str:
    """Return the record as one line of JSON, without its end."""
    return _RECORD.dump_json(record).decode()


def parse_record(line: str) -> Record:
    """Return the record of a line. Raises ValueError that names the first fault when it is none."""
    try:
        return _RECORD.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise ValueError(f"{place}: {first['msg']}") from None


@dataclass(frozen=True)
class Difference:
    """A record whose decision is not made again."""

    number: int
    """Of the record, from 1."""
    recorded: Decision
    made_again: Decision
    fields: tuple[str, ...]
    """What differs, of the decision and of the state after it: name, and both values."""


def replay(records: Iterable[Record]) -> list[Difference]:
    """Make every decision again; return those that differ, or leave another state."""
    differences = []
    for number, each in enumerate(records, 1):
        decision, after = decide(each.observation, each.before, each.settings)
        differ = (*_differ("decision", each.decision, decision), *_differ("after", each.after, after))
        if differ:
            differences.append(Difference(number, each.decision, decision, differ))
    return differences


def _differ(name: str, recorded: Decision | State, made_again: Decision | State) -> list[str]:
    pairs = (
        (each.name, getattr(recorded, each.name), getattr(made_again, each.name)) for each in fields(recorded)
    )
    return [
        f"{name}.{field}: recorded {before!r}, made again {now!r}"
        for field, before, now in pairs
        if not are_alike(before, now)
    ]


def are_alike(one: Any, other: Any) -> bool:
    """Whether both are the same but for the last digits of what was computed: libraries differ in those."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=SAME_SHARE)
    if type(one) is not type(other):
        return bool(one == other)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(are_alike, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(are_alike(one[key], other[key]) for key in one)
    if is_dataclass(one):
        return all(are_alike(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return bool(one == other)
