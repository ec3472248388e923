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


def log_line(record: str) -> str:
    """As kopf's logger writes it, and `kubectl logs --prefix` prints it."""
    moment = "[2026-11-28 03:02:11,532] setpoint.tuning.decisions [INFO    ]"
    return f"[pod/setpoint-6c9f/operator] {moment} team-a/chat: {record}"


def test_a_whole_log_is_taken_and_what_held_no_record_is_counted(run: Run) -> None:
    lines = ["starting", *map(log_line, LINES), "a cycle of the tuner failed", "Traceback: ...", ""]
    ended = run("replay", "-", stdin="\n".join(lines).encode() + b"\n\xff\n")
    assert ended == Ended(0, f"{len(LINES)} decisions, 0 differ, 5 lines held no record\n", "")


def test_a_difference_in_a_log_is_named_by_the_line_of_the_log(run: Run) -> None:
    differs = log_line(changed(LINES[-1], "after.knobs.tokens", 2048))
    ended = run("replay", "-", stdin=f"starting\nstarted\n{differs}\n".encode())
    assert ended.status == 1
    assert ended.out.startswith("-:3: after.knobs: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LINES[0] + "\n" + LINES[1][:50], "log.jsonl:2: is no record of a decision: the line: Invalid JSON"),
        (LINES[0] + " and more", "log.jsonl:1: is no record of a decision: the line: Invalid JSON"),
        (json.dumps({"observation": 5}), "log.jsonl:1: is no record of a decision: observation"),
        (b'{"observation": \xff}\n', "log.jsonl:1: is no record of a decision"),
    ],
)
def test_a_record_that_is_not_whole_is_refused_with_its_line(
    run: Run, write: Write, content: str | bytes, message: str
) -> None:
    ended = run("replay", write(content, name="log.jsonl"))
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize(("content", "lines"), [("", 0), ("garbage\n", 1), (b"\xff\n\n", 2)])
def test_a_log_without_a_record_is_refused(run: Run, write: Write, content: str | bytes, lines: int) -> None:
    ended = run("replay", write(content, name="log.jsonl"))
    assert (ended.status, ended.out) == (2, "")
    assert f"log.jsonl: holds no record of a decision in {lines} lines" in ended.err


def test_a_file_that_is_not_there_is_refused(run: Run) -> None:
    assert run("replay", "/nowhere") == Ended(2, "", "/nowhere: cannot be read: No such file or directory\n")
