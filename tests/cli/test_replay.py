"""`setpoint replay`: whether recorded decisions come out the same."""

import json

import pytest

from setpoint.tuner.record import record_line
from tests.cli.conftest import Ended, Run, Write
from tests.tuner.test_record import changed, recorded

LINES = [record_line(each) for each in recorded()]


def test_decisions_that_come_out_the_same_are_counted(run: Run, write: Write) -> None:
    name = write("\n".join(LINES) + "\n", name="log.jsonl")
    assert run("replay", name) == Ended(0, f"{len(LINES)} decisions, 0 differ\n", "")


def test_a_line_that_was_tampered_with_is_named_with_what_differs(run: Run, write: Write) -> None:
    *before, last = LINES
    name = write("\n".join([*before, changed(last, "after.knobs.tokens", 2048)]), name="log.jsonl")
    ended = run("replay", name)
    assert ended.status == 1
    first, last_line = ended.out.splitlines()
    assert first.startswith(f"log.jsonl:{len(LINES)}: after.knobs: recorded Knobs(tokens=2048")
    assert last_line == f"{len(LINES)} decisions, 1 differ"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("garbage\n", "log.jsonl:1: is no record of a decision: the line: Invalid JSON"),
        (LINES[0] + "\n\n", "log.jsonl:2: is no record of a decision: the line: Invalid JSON"),
        (LINES[0] + "\n" + LINES[1][:50], "log.jsonl:2: is no record of a decision"),
        (json.dumps({"observation": 5}), "log.jsonl:1: is no record of a decision: observation"),
        (b"\xff\n", "log.jsonl: is not UTF-8 at byte 0"),
    ],
)
def test_what_is_no_record_is_refused_with_its_line(
    run: Run, write: Write, content: str | bytes, message: str
) -> None:
    ended = run("replay", write(content, name="log.jsonl"))
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_a_file_that_is_not_there_is_refused(run: Run) -> None:
    assert run("replay", "/nowhere") == Ended(2, "", "/nowhere: cannot be read: No such file or directory\n")


def test_an_empty_file_has_nothing_that_differs(run: Run, write: Write) -> None:
    assert run("replay", write("", name="log.jsonl")) == Ended(0, "0 decisions, 0 differ\n", "")
