import json
import re
from pathlib import Path

import pytest
from aiohttp import web

from setpoint.loadgen.report import Report
from tests.cli.conftest import Run
from tests.cli.loadtests import flags, in_shell
from tests.loadgen import endpoint as does
from tests.loadgen.endpoint import MODEL, FakeEndpoint


def test_a_ladder_of_clients_is_reported_as_json(run: Run, endpoint: FakeEndpoint, tmp_path: Path) -> None:
    ended = run(*flags(endpoint, "--clients", "1,3", "--json", "--out", str(tmp_path), "--label", "gpu=H100"))
    assert ended.status == 0
    report = Report.model_validate_json(ended.out)
    assert [stage.load.model_dump()["clients"] for stage in report.stages] == [1, 3]
    assert all(stage.errors == {} and stage.requests_completed for stage in report.stages)
    assert report.target.settings == {"gpu": "H100"}
    assert (tmp_path / "report.json").read_text() == ended.out
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in lines} == {0, 1}


def test_an_open_loop_is_judged_by_the_slo_and_shown_as_a_table(run: Run, endpoint: FakeEndpoint) -> None:
    ended = run(*flags(endpoint, "--rate", "40", "--api", "completions", "--slo", "ttft.p95=2s,itl.p95=1s"))
    assert ended.status == 0
    assert "40/s poisson" in ended.out
    assert "good: meets ttft.p95=2s,itl.p95=1s itself, the ITL by the rule mean" in ended.out
    assert "note: no tokenizer" in ended.err


def test_a_trace_is_replayed(run: Run, endpoint: FakeEndpoint, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    row = '{"timestamp": %s, "prompt_tokens": %d, "output_tokens": 3}\n'
    trace.write_text("".join(row % (number / 10, 10 + number) for number in range(21)))
    ended = run(
        "loadtest", "--url", endpoint.url, "--model", MODEL, "--trace", str(trace), "--speed", "2", "--json"
    )
    (stage,) = Report.model_validate_json(ended.out).stages
    assert stage.load.model_dump()["rate_per_second"] == 20  # 2.1 s, with the last one's
    assert stage.window_seconds == pytest.approx(1.05)
    assert stage.requests_offered == 21
    words = [len(does.prompt_of(body).split()) for body in endpoint.asked]
    assert words[2:] == [8 + number for number in range(21)]  # and two tokens around them, by the calibration


def test_no_two_prompts_are_alike(run: Run, endpoint: FakeEndpoint) -> None:
    run(*flags(endpoint, "--rate", "30"))
    prompts = [does.prompt_of(body) for body in endpoint.asked]
    assert len(prompts) == len(set(prompts)) > 30


def test_the_table_tells_the_verdict_that_the_report_has(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    slo = ("--slo", "ttft.p95=5s,itl.p95=1s", "--out", str(tmp_path))
    for behaviour, met, said in ((does.dribbles, True, "met"), (does.at_once, None, "cannot tell")):
        endpoint.behaviour = behaviour
        ended = run(*flags(endpoint, "--clients", "2", *slo))
        (stage,) = Report.model_validate_json((tmp_path / "report.json").read_text()).stages
        assert stage.slo_met is met
        assert re.search(rf"\n2 clients .* {said}  +0", ended.out)
    assert stage.good == 0
    assert "\n2 clients: itl.p95=1000ms cannot be told: no answer came in more than one chunk\n" in ended.out


def test_shed_requests_are_errors(run: Run, endpoint: FakeEndpoint) -> None:
    async def behaviour(request, body):  # type: ignore[no-untyped-def]
        return await (does.sheds if len(endpoint.asked) > 2 else does.behaves)(request, body)

    endpoint.behaviour = behaviour
    ended = run(*flags(endpoint, "--rate", "40", "--slo", "ttft.p95=2s", "--json"))
    (stage,) = Report.model_validate_json(ended.out).stages
    assert set(stage.errors) == {"http_503"}
    assert (stage.good, stage.slo_met, stage.requests_completed) == (0, False, 0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "add one of --clients"),
        (("--clients", "0"), "--clients: '0' is no list of numbers of clients"),
        (("--clients", "1,x"), "--clients"),
        (("--rate", "nan"), "--rate"),
        (("--rate", "5", "--clients", "5"), "not allowed with"),
        (("--rate", "5", "--duration", "0s"), "--duration: '0s' is too short"),
        (("--rate", "5", "--duration", "60"), "--duration: '60' is not a duration"),
        (("--rate", "5", "--warmup", "1s"), "--warmup: 1 s leaves nothing of a stage of 1 s"),
        (("--rate", "5", "--slo", "itl.p95=0s"), "--slo: 'itl.p95=0s'"),
        (("--rate", "5", "--slo", "ttft.p95=2s,e2e.p95=1s"), "--slo.*cannot be kept"),
        (("--rate", "5", "--prompt-tokens", "uniform:9:3"), "--prompt-tokens.*swap them"),
        (("--rate", "5", "--arrivals", "often"), "--arrivals: 'often' is no pattern"),
        (("--rate", "5,0.01"), "--rate: 0.01 a second brings no request in .* s: raise it, or --duration"),
        (("--rate", "5", "--shared-prefix", "1.5"), "--shared-prefix: '1.5' is not a share"),
        (("--rate", "5", "--label", "gpu=\udcff"), "--label: 'gpu=.udcff' is not UTF-8"),
        (("--rate", "5", "--model", "m\udcff"), "--model: .* is not UTF-8"),
        (("--rate", "5", "--prompt-tokens", "file:/\udcff"), "--prompt-tokens: .* is not UTF-8"),
        (("--trace", "/\udcff"), "--trace: .* is not UTF-8"),
        (("--rate", "5", "--label", "fast"), "--label: 'fast' is no label"),
        (("--rate", "5", "--url", "127.0.0.1:8000"), "--url: '127.0.0.1:8000' is no address"),
        (("--rate", "5", "--url", "http://:8000"), "--url: 'http://:8000' is no address"),
        (("--rate", "5", "--url", "http://[::1"), "--url: .* is no address"),
        (("--rate", "5", "--url", "http://localhost:99999"), "--url: .* is no address"),
        (("--trace", "/nonexistent"), "--trace: /nonexistent cannot be read"),
        (("--trace", "x", "--speed", "0"), "--speed"),
        (("--rate", "5", "--speed", "1"), "--speed: has no effect with --rate: .* or use --trace"),
        (
            ("--clients", "5", "--arrivals", "poisson"),
            "--arrivals: has no effect with --clients: .* or use --rate or --find-capacity",
        ),
        (("--trace", "x", "--prompt-tokens", "9"), "--prompt-tokens: has no effect with --trace"),
        (("--trace", "x", "--output-tokens", "9"), "--output-tokens: has no effect with --trace"),
        (("--trace", "x", "--seed", "0"), "--seed: has no effect with --trace: leave it out"),
        (
            ("--find-capacity", "--slo", "ttft.p95=1s", "--warmup", "5s"),
            "--warmup: has no effect with --find-capacity: leave it out",
        ),
        (("--rate", "5", "--itl-rule", "mean"), "--itl-rule: has no effect without --slo"),
        (("--find-capacity",), "--find-capacity: needs the promise"),
        (("--rate", "5", "--out", f"{__file__}/out"), "--out: .* cannot be written"),
        (("--rate", "5", "--model", "other"), "--model: 'other' is unknown"),
    ],
)
def test_bad_input_is_told_before_any_load(
    run: Run, endpoint: FakeEndpoint, more: tuple[str, ...], said: str
) -> None:
    ended = run(*flags(endpoint, *more))
    assert ended.status == 2
    assert (ended.out, endpoint.asked) == ("", [])
    assert re.search(said, ended.err)


@pytest.mark.parametrize("more", [("--clients", "1,5000"), ("--rate", "5", "--arrivals", "burst:5000")])
def test_more_at_once_than_there_are_file_descriptors_is_told_before_any_load(
    run: Run, endpoint: FakeEndpoint, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 1024))
    ended = run(*flags(endpoint, *more))
    assert (ended.status, endpoint.asked) == (2, [])
    assert re.search(rf"{more[-2]}: 5000 connections at once .* raise the hard limit", ended.err)


def test_senders_take_more_file_descriptors_than_the_shell_gives(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    endpoint.behaviour = does.dribbles
    ended = in_shell(*flags(endpoint, "--clients", "200", "--json"), before="ulimit -Sn 60; exec")
    (stage,) = Report.model_validate_json(ended.stdout).stages
    assert stage.errors == {}


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "2>&- <&-", "2>/dev/full"])
def test_a_load_test_needs_neither_standard_input_nor_error(endpoint: FakeEndpoint, closed: str) -> None:
    ended = in_shell(*flags(endpoint, "--clients", "1", "--json"), after=closed)
    assert ended.returncode == 0
    assert Report.model_validate_json(ended.stdout).stages


def test_a_closed_standard_output_is_told_before_any_load(endpoint: FakeEndpoint) -> None:
    ended = in_shell(*flags(endpoint, "--clients", "1"), after=">&-")
    assert (ended.returncode, endpoint.asked) == (2, [])
    assert ended.stderr == "standard output is closed: open it, if only as > /dev/null\n"


def test_a_tokenizer_that_cannot_be_loaded_is_said_and_done_without(run: Run, endpoint: FakeEndpoint) -> None:
    ended = run(*flags(endpoint, "--rate", "40", "--tokenizer", "/nonexistent"))
    assert ended.status == 0
    assert "--tokenizer: /nonexistent cannot be loaded" in ended.err
    assert "the usage that the endpoint counts is used instead" in ended.err


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@example.com",
        "https://s3cret@example.com/v1",
        "https://example.com/v1?api_key=s3cret",
        "https://example.com/#s3cret",
        "http://user:s3cret@exam ple.com:99999",
    ],
)
def test_a_secret_in_the_address_is_refused_and_not_repeated(run: Run, url: str) -> None:
    ended = run("loadtest", "--url", url, "--model", MODEL, "--rate", "5")
    assert (ended.status, ended.out) == (2, "")
    assert "s3cret" not in ended.err
    assert "set OPENAI_API_KEY in the environment" in ended.err


async def echoes(request, body):  # type: ignore[no-untyped-def]
    return web.Response(status=500, text=f"cannot serve {dict(request.headers)}")


def test_a_key_that_the_endpoint_repeats_does_not_show(
    run: Run, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.key = "of-no-known-form"
    monkeypatch.setenv("OPENAI_API_KEY", endpoint.key)
    endpoint.behaviour = echoes
    ended = run(*flags(endpoint, "--rate", "40"))
    assert ended.status == 2
    assert "cannot serve" in ended.err
    assert endpoint.key not in ended.err


def test_a_key_never_shows(
    run: Run, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endpoint.key = "sk-secret"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ended = run(*flags(endpoint, "--rate", "40", "--json", "--out", str(tmp_path)))
    assert ended.status == 0
    written = [path.read_text() for path in tmp_path.iterdir()]
    assert not any("sk-secret" in text for text in (ended.out, ended.err, *written))
