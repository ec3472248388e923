"""`setpoint tune` beside somebody else who moves the limits of the same engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from setpoint.tuner.state import Reason
from setpoint_vllm.limits_file import Limit, parse
from tests.cli.engines import FakeEngine, answers, serving
from tests.cli.looks import Looks

FOREIGN = '{"generation": 99, "writer": "somebody", "limits": {"tokens": 300}}'
LENT = '{"generation": 99, "writer": "somebody", "limits": {"tokens": 300}, "expires": %d}'
ENDED = '{"generation": 100, "writer": "somebody", "limits": {}}'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(FakeEngine(tmp_path / "limits.json")) as engine:
        yield engine


@pytest.fixture
def looks(engine: FakeEngine) -> Looks:
    """One that had a limit moved when somebody else wrote the file."""
    looks = Looks(engine)
    looks.until_moved()
    looks.look()
    engine.path.write_text(FOREIGN)
    assert looks.look().reason is Reason.FROZEN
    return looks


def test_a_file_that_somebody_else_wrote_is_left_alone_as_long_as_its_limits_hold(
    looks: Looks, engine: FakeEngine
) -> None:
    for _ in range(400):  # longer than a lease
        assert looks.look().reason is Reason.FROZEN
    looks.loop.stop(looks.now)
    assert engine.path.read_text() == FOREIGN
    assert "keeps to limits written by somebody" in looks.out.getvalue()


def test_when_the_other_one_has_put_the_start_values_back_it_goes_on_from_there(
    looks: Looks, engine: FakeEngine
) -> None:
    engine.path.write_text(ENDED)
    began = looks.now
    while looks.look().reason is Reason.FROZEN:
        assert engine.path.read_text() == ENDED
        assert looks.now - began < 120
    file = parse(engine.path.read_text())
    assert (file.writer, file.generation, file.limits) == ("us", 101, {})
    assert "the limits of the other one are the start values again: it goes on" in looks.out.getvalue()
    for _ in range(20):
        if looks.look().is_applied:
            break
    assert parse(engine.path.read_text()).limits == {Limit.TOKENS: 4096}


def test_when_the_lease_of_the_other_one_is_over_it_goes_on(looks: Looks, engine: FakeEngine) -> None:
    engine.path.write_text(LENT % (looks.now + 600))
    began = looks.now

    def tells(_: int) -> None:
        engine.now_seconds = looks.now

    engine.on_scrape = tells
    while looks.look().reason is Reason.FROZEN:
        assert looks.now - began < 800
    assert looks.now - began > 600 + 80  # in which the engine itself takes them back
    assert parse(engine.path.read_text()).writer == "us"


def test_another_one_that_is_about_to_move_from_the_start_values_is_left_alone(
    looks: Looks, engine: FakeEngine
) -> None:
    for generation in range(100, 200, 2):
        for each in (ENDED.replace("100", str(generation)), FOREIGN.replace("99", str(generation + 1))):
            engine.path.write_text(each)
            for _ in range(4):
                assert looks.look().reason is Reason.FROZEN
    assert engine.path.read_text().startswith('{"generation": 199, "writer": "somebody"')


def test_an_engine_that_is_lost_meanwhile_makes_nobody_elses_file_ours(
    looks: Looks, engine: FakeEngine
) -> None:
    engine.answer = answers(500, b"")
    looks.look(400)
    looks.loop.stop(looks.now)
    assert engine.path.read_text() == FOREIGN
