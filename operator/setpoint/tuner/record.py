"""A decision with all that it was made from, one line of JSON each, to be made again bit for bit."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from pydantic import TypeAdapter, ValidationError

from setpoint.tuner.state import Decision, Observation, Settings, State
from setpoint.tuner.tuner import decide


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
        if before != now
    ]
