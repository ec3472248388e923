"""`setpoint tune` on an engine over HTTP: what it says, what it writes, and how it ends."""

import io
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from setpoint.cli.documents import DocumentError
from setpoint.cli.tune_display import knobs_text
from setpoint.cli.tune_engine import UnreadableError, read_engine
from setpoint.signals.window import DataState
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.state import Mode, OnStop, Reason
from setpoint_vllm.limits_file import Limit, parse
from tests.cli.conftest import Ended, Run
from tests.cli.engines import FakeEngine, answers, serving, speaks
from tests.cli.looks import Looks
from tests.simulator.http.server import serve, tiny_model

TOO_BIG = b"# " + b"a" * (16 * 2**20) + b"\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(FakeEngine(tmp_path / "limits.json")) as engine:
        yield engine


def written(engine: FakeEngine) -> dict[Limit, int]:
    return parse(engine.path.read_text()).limits


def test_gaps_that_are_too_long_lower_the_token_budget_of_the_engine(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.until_moved()
    assert written(engine) == {Limit.TOKENS: 4096}
    assert looks.look().reason is Reason.GUARDING
    assert "Guarding  tokens 4096" in looks.out.getvalue()


def test_the_file_promises_what_was_asked_for_and_lends_the_limits(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.until_moved()
    file = parse(engine.path.read_text())
    assert (file.writer, file.expires) == ("us", looks.now + 1800)
    assert [(each.name, each.threshold_seconds) for each in file.objectives] == [("itl", 0.03)]


def test_recommend_says_what_it_would_set_and_sets_nothing(engine: FakeEngine) -> None:
    looks = Looks(engine, Mode.RECOMMEND)
    looks.begin()
    looks.look(10)
    assert "would set tokens 4096  (would act: itl: 50 % of" in looks.out.getvalue()
    assert written(engine) == {}


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.RECOMMEND])
def test_an_engine_without_the_plugin_is_said(engine: FakeEngine, mode: Mode) -> None:
    engine.has_plugin = False
    looks = Looks(engine, mode)
    looks.begin()
    assert looks.look(15).reason is Reason.UNSUPPORTED
    said = looks.out.getvalue()
    assert "Unsupported  start values  (engine does not follow: it shows no limits" in said
    assert "Guarding" not in said


@pytest.mark.parametrize(("bad_gaps", "said"), [(0, "the promise is kept"), (500, "the promise is broken")])
def test_on_an_engine_without_the_plugin_histograms_tell_each_minute_whether_the_promise_is_kept(
    engine: FakeEngine, bad_gaps: int, said: str
) -> None:
    engine.has_plugin, engine.bad_gaps = False, bad_gaps
    looks = Looks(engine, Mode.RECOMMEND)
    looks.begin()
    looks.look(13)
    told = [line for line in looks.out.getvalue().splitlines() if said in line]
    assert len(told) == 2
    assert "by vLLM's histogram" in told[0]


def test_an_engine_with_the_plugin_is_not_judged_by_histograms(engine: FakeEngine) -> None:
    looks = Looks(engine, Mode.RECOMMEND)
    looks.begin()
    looks.look(13)
    assert "histogram" not in looks.out.getvalue()


def test_what_is_written_exceeds_what_stands_in_the_file_and_what_the_engine_shows(
    engine: FakeEngine,
) -> None:
    engine.path.write_text('{"generation": 7, "writer": "old", "limits": {}}')
    engine.believed = parse('{"generation": 41, "writer": "older", "limits": {"tokens": 512}}')
    looks = Looks(engine)
    looks.begin()
    looks.look()
    assert parse(engine.path.read_text()).generation == 42
    assert looks.look(2).reason is Reason.HOLDING


def test_an_engine_that_is_read_only_later_is_exceeded_too(engine: FakeEngine) -> None:
    engine.believed = parse('{"generation": 41, "writer": "older", "limits": {"tokens": 512}}')
    engine.answer = answers(503, b"starting")
    looks = Looks(engine)
    looks.begin()
    assert looks.look(20).reason is Reason.SIGNAL_LOST
    engine.answer = None
    reasons = {looks.look().reason for _ in range(3)}
    assert parse(engine.path.read_text()).generation == 42
    assert reasons == {Reason.HOLDING}


def test_recommend_refuses_to_take_back_limits_that_hold(engine: FakeEngine) -> None:
    engine.path.write_text('{"generation": 7, "writer": "operator", "limits": {"tokens": 512}}')
    with pytest.raises(
        DocumentError, match=r"has limits that operator wrote, and Recommend would take them back"
    ):
        Looks(engine, Mode.RECOMMEND).begin()
    assert written(engine) == {Limit.TOKENS: 512}


def test_auto_says_that_it_takes_back_limits_that_hold(engine: FakeEngine) -> None:
    engine.path.write_text('{"generation": 7, "writer": "operator", "limits": {"tokens": 512}}')
    looks = Looks(engine)
    looks.begin()
    assert "note: the limits that operator wrote are taken back" in looks.out.getvalue()


def test_limits_whose_lease_is_long_over_hinder_nobody(engine: FakeEngine) -> None:
    engine.path.write_text('{"generation": 7, "expires": 5, "limits": {"tokens": 512}}')
    Looks(engine, Mode.RECOMMEND).begin()


FOREIGN = '{"generation": 99, "writer": "somebody", "limits": {"tokens": 300}}'


def test_at_the_end_the_start_values_are_put_back(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.until_moved()
    looks.loop.stop(looks.now)
    file = parse(engine.path.read_text())
    assert (file.limits, file.generation) == ({}, looks.loop.state.generation)
    assert looks.out.getvalue().endswith("note: the limits go back to the start values\n")


def test_at_the_end_limits_stay_for_good_where_that_is_wanted(engine: FakeEngine) -> None:
    looks = Looks(engine, on_stop=OnStop.KEEP)
    looks.until_moved()
    looks.loop.stop(looks.now)
    file = parse(engine.path.read_text())
    assert (file.limits, file.expires) == ({Limit.TOKENS: 4096}, float("inf"))
    assert looks.out.getvalue().endswith("note: the limits stay for good: tokens 4096\n")


def test_who_is_stopped_before_the_first_look_has_written_nothing(engine: FakeEngine) -> None:
    engine.path.write_text(FOREIGN)
    looks = Looks(engine)
    looks.begin()
    looks.loop.stop(looks.now)
    assert engine.path.read_text() == FOREIGN


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answers(500, b"oops"), "it answered 500 Internal Server Error"),
        (answers(200, b"<html><body>hello</body></html>\n"), "vllm:num_requests_running is missing"),
        (answers(200, b""), "vllm:num_requests_running is missing"),
        (answers(200, b"vllm:num_requests_running many\n"), "not the Prometheus text format"),
        (answers(200, b"\xff\xfe\n"), "'utf-8' codec can't decode"),
        (answers(200, b"a 1\n", length=50), "its answer ends in the middle"),
        (answers(200, b"vllm:num_requests_running 1"), "its answer ends in the middle"),
        (answers(200, TOO_BIG), "it answered more than 16777216 bytes"),
        (speaks(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP: BadStatusLine"),
        (
            speaks(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nab"),
            "its answer ends in the middle",
        ),
        (speaks(), "it cannot be reached: Remote end closed connection"),
        (
            speaks(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other/metrics\r\n\r\n"),
            "it answered 307 Temporary Redirect: give the address that it leads to",
        ),
    ],
)
def test_what_an_engine_answers_instead_of_metrics_is_said(
    engine: FakeEngine, answer: object, message: str
) -> None:
    engine.answer = answer  # type: ignore[assignment]
    looks = Looks(engine)
    looks.begin()
    decision = looks.look()
    assert (decision.reason, decision.data) == (Reason.SIGNAL_LOST, DataState.MISSING)
    assert message in decision.message


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"#"),
    ],
    ids=["status line", "header", "headers", "body"],
)
def test_an_answer_without_an_end_is_given_up(engine: FakeEngine, head: bytes, drip: bytes) -> None:
    ended = threading.Event()

    def drips(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        for _ in range(90):  # below the 100 headers that an answer may have
            if ended.wait(0.02):
                return
            handler.wfile.write(drip)
        ended.wait()

    engine.answer = drips
    try:
        with pytest.raises(UnreadableError, match=r"it gave no whole answer within 0\.2 s"):
            read_engine(engine.url, 0.0, 0.2)
    finally:
        ended.set()


def test_an_engine_that_cannot_be_reached_is_said() -> None:
    with pytest.raises(UnreadableError, match=r"it cannot be reached: .*refused"):
        read_engine("http://127.0.0.1:1/metrics", 0.0, 1.0)


def test_a_proxy_of_the_environment_is_not_asked(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert read_engine(engine.url, 0.0, 5.0).running == 10


def test_a_lost_engine_is_told_the_start_values_when_it_has_gone_back_to_them(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.until_moved()
    engine.answer = answers(500, b"")
    looks.look(187)
    assert written(engine) == {Limit.TOKENS: 4096}
    looks.look()
    assert written(engine) == {}


def test_every_look_is_logged_to_be_replayed(engine: FakeEngine, tmp_path: Path, run: Run) -> None:
    looks = Looks(engine)
    looks.until_moved()
    log = tmp_path / "log.jsonl"
    log.write_text(looks.log.getvalue())
    lines = len(log.read_text().splitlines())
    assert run("replay", str(log)) == Ended(0, f"{lines} decisions, 0 differ\n", "")


def test_a_log_that_takes_nothing_more_ends_no_tuner(engine: FakeEngine) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    looks = Looks(engine)
    looks.loop.log = Full()
    looks.until_moved()
    assert looks.out.getvalue().count("note: --json-log: it takes nothing more: No space left on device") == 1


FLAGS = {"--metrics-url": "http://127.0.0.1:1/metrics", "--slo": "itl.p95=30ms"}


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--metrics-url", "ftp://host/metrics", "not an http(s) address without a user"),
        ("--metrics-url", "http://user:secret@host/metrics", "not an http(s) address without a user"),
        ("--metrics-url", "http://", "not an http(s) address"),
        ("--metrics-url", "http://host:99999/", "not an http(s) address"),
        ("--slo", "fast", "'fast' is no objective; write METRIC.pNN=DURATION"),
        ("--slo", "e2e.p95=1s", "e2e.p95=1000ms is not judged inside an engine: promise ttft or itl instead"),
        ("--slo", "itl.p95=1s,itl.p50=1s", "has itl twice"),
        ("--mode", "auto", "'auto' is no mode: write Recommend or Auto"),
        ("--mode", "Disabled", "'Disabled' is no mode: write Recommend or Auto"),
        ("--on-stop", "leave", "'leave' is unknown: write Restore or Keep"),
        ("--interval", "0s", "must be from 1s to 60s"),
        ("--interval", "2h", "must be from 1s to 60s"),
        ("--interval", "often", "'often' is not a duration"),
        ("--least-tokens", "0", "'0' is not a whole number of tokens, such as 256"),
        ("--least-tokens", "-5", "not a whole number of tokens"),
        ("--least-tokens", "1.5", "not a whole number of tokens"),
        ("--most-tokens", "0", "'0' is not a whole number of tokens, such as 256"),
        ("--most-tokens", "255", "--most-tokens: 255 is less than --least-tokens, 256"),
        ("--limits-file", "/nowhere/limits.json", "/nowhere/limits.json cannot be written: No such file"),
        ("--limits-file", "/", "--limits-file: / is no file: name the file that the engine was started with"),
        ("--limits-file", "/dev/null", "--limits-file: /dev/null is no file: name the file"),
        ("--json-log", "/nowhere/log", "--json-log: /nowhere/log cannot be written: No such file"),
        ("--json-log", "/", "--json-log: / cannot be written: Is a directory"),
    ],
)
def test_a_flag_that_cannot_be_is_refused_with_what_would_work(
    run: Run, tmp_path: Path, flag: str, value: str, message: str
) -> None:
    of = {**FLAGS, "--limits-file": str(tmp_path / "limits.json"), flag: value}
    ended = run("tune", *itertools.chain.from_iterable(of.items()))
    assert ended.status == 2
    assert message in ended.err
    assert "secret" not in ended.err.replace(value, "")


def test_without_its_extra_it_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("prometheus_client", "prometheus_client.parser"):
        monkeypatch.setitem(sys.modules, name, None)
    of = {**FLAGS, "--limits-file": str(tmp_path / "limits.json")}
    ended = run("tune", *itertools.chain.from_iterable(of.items()))
    assert (ended.status, ended.out) == (2, "")
    assert "needs prometheus_client" in ended.err
    assert "pip install 'setpoint[tune]'" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ended = run("tune", *itertools.chain.from_iterable(FLAGS.items()), "--limits-file", str(tmp_path / "l"))
    assert (ended.status, "cannot be written: Permission denied" in ended.err) == (2, True)


def test_the_knobs_that_are_off_their_start_values_are_told() -> None:
    assert knobs_text(Knobs()) == "start values"
    assert knobs_text(Knobs(512, 64, 9000)) == "tokens 512, seqs 64, queued tokens 9000"


def test_an_output_that_takes_nothing_ends_no_tuner(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.out.close()
    looks.until_moved()
    assert written(engine) == {Limit.TOKENS: 4096}


def test_what_was_written_is_json_that_anybody_may_read(engine: FakeEngine) -> None:
    looks = Looks(engine)
    looks.begin()
    looks.look()
    assert json.loads(engine.path.read_text())["writer"] == "us"
    assert engine.path.stat().st_mode & 0o777 == 0o644
    assert list(engine.path.parent.iterdir()) == [engine.path]


def test_the_simulator_is_an_engine_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    with serve(str(tiny_model(tmp_path)), "--max-model-len=512", SETPOINT_LIMITS_FILE=str(path)) as server:
        server.wait_until_healthy()
        looks = Looks(FakeEngine(path, f"{server.url}/metrics"))
        looks.now = time.time()
        looks.begin()
        looks.look()
        deadline = time.monotonic() + 20
        while not (rank := read_engine(f"{server.url}/metrics", 0.0, 5.0).ranks["0"]).generation:
            assert time.monotonic() < deadline
        looks.look()
        looks.now = time.time()
        looks.loop.state = replace(looks.loop.state, settled_seconds=looks.now)
        decision = looks.look()
    assert (rank.writer, rank.generation) == ("us", 1)
    assert (decision.reason, decision.message) == (Reason.HOLDING, "a window begins")
