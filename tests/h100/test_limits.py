"""The benchmark moves limits by the product's channel, and believes the gauges alone."""

import json
from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from benchmarks.h100 import exposition, limits
from benchmarks.h100.exposition import InForce
from setpoint_vllm.limits_file import Limit, parse

GAUGES = """\
setpoint_engine_limit{{engine="0",limit="seqs"}} {seqs}
setpoint_engine_limit{{engine="0",limit="tokens"}} {tokens}
setpoint_engine_limit_generation{{engine="0",writer="benchmark"}} {generation}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "limits.json"


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Have an engine that takes what the file says, but no fewer tokens than sequences."""

    def answer(_url: str) -> list[Sample]:
        wanted = parse(file.read_text()) if file.exists() else parse('{"generation": 3, "limits": {}}')
        seqs = wanted.limits.get(Limit.SEQS, 1024)
        tokens = max(seqs, wanted.limits.get(Limit.TOKENS, 8192))
        return exposition.parse(GAUGES.format(seqs=seqs, tokens=tokens, generation=wanted.generation))

    monkeypatch.setattr(exposition, "read", answer)


def test_the_file_is_one_that_the_plugin_takes_with_objectives_to_judge(file: Path) -> None:
    limits.write(file, 7, {"seqs": 256, "tokens": 512})
    found = parse(file.read_text())
    assert (found.generation, found.limits) == (7, {Limit.SEQS: 256, Limit.TOKENS: 512})
    assert len(found.objectives) == 2


def test_each_change_has_a_higher_generation_than_what_is_in_force(file: Path) -> None:
    assert limits.put_in_force("", file, {"seqs": 256, "tokens": 512}) == InForce(
        4, {"0": {"seqs": 256, "tokens": 512}}
    )
    assert limits.put_in_force("", file, {}).generation == 5


def test_a_generation_that_was_written_and_is_not_yet_in_force_is_passed_over(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follows = exposition.read
    answers = iter([exposition.parse(GAUGES.format(seqs=1024, tokens=8192, generation=3))])
    monkeypatch.setattr(exposition, "read", lambda url: next(answers, None) or follows(url))
    file.write_text(json.dumps({"generation": 90, "limits": {}}))
    assert limits.put_in_force("", file, {}).generation == 91


def test_what_the_engine_does_not_take_is_named(file: Path) -> None:
    with pytest.raises(RuntimeError, match=r"asked for \{'tokens': 512\}, which the engine does not take"):
        limits.put_in_force("", file, {"seqs": 1024, "tokens": 512})


def test_an_engine_that_does_not_follow_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = exposition.parse(GAUGES.format(seqs=1024, tokens=8192, generation=3))
    monkeypatch.setattr(exposition, "read", lambda _: stuck)
    monkeypatch.setattr(limits, "_WAIT_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="generation 4 is not in force"):
        limits.put_in_force("", file, {})
