import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from setpoint.cli import main, simulate_fit
from setpoint.simulator.parameters import TYPICAL, built_in
from tests.simulator.builders import LLAMA_8B

ROW = {"seqs": 8, "toks": 512, "tok_s": 1132.7, "ttft_p95": 0.2, "itl_p95": 0.0112}
TABLE = {"conc": 8, "inlen": 64, "outlen": 32, "rows": [ROW, ROW | {"seqs": 4, "tok_s": 700.0}]}


@pytest.fixture
def config(tmp_path: Path) -> str:
    return written(tmp_path / "config.json", LLAMA_8B)


def written(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def run(config: str, *arguments: str) -> int:
    load = () if {"--clients", "--rate"} & set(arguments) else ("--clients", "8")
    command = ["simulate", "run", "--gpu", "H100", "--model-config", config, *load, "--duration", "8s"]
    return main([*command, *arguments])


def refused(capsys: pytest.CaptureFixture[str], config: str, *arguments: str) -> str:
    """Return what is told of a command line that is refused with status 2."""
    try:
        status = run(config, *arguments)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    return output.err


@pytest.mark.parametrize("load", [("--clients", "4"), ("--rate", "3.5")])
def test_a_run_prints_its_figures_in_seconds(
    capsys: pytest.CaptureFixture[str], config: str, load: tuple[str, str]
) -> None:
    assert run(config, *load, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == ["tok_s", "req_s", "ttft", "itl", "e2e", "requests"]
    for latency in ("ttft", "itl", "e2e"):
        assert 0 < figures[latency]["p50"] <= figures[latency]["p95"] <= figures[latency]["p99"] < 8


def test_the_first_quarter_is_not_counted(capsys: pytest.CaptureFixture[str], config: str) -> None:
    assert run(config, "--clients", "1", "--output-tokens", "fixed:200", "--duration", "1s", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["ttft"] is None
    assert figures["itl"] is not None


def test_a_run_is_printed_as_a_table(capsys: pytest.CaptureFixture[str], config: str) -> None:
    assert run(config) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "output tokens/s" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["seconds", "ttft", "itl", "e2e", "whole"]


def test_a_run_tells_what_became_of_every_request(capsys: pytest.CaptureFixture[str], config: str) -> None:
    overload = ("--rate", "200", "--max-num-seqs", "8", "--max-num-queued-reqs", "20")
    assert run(config, *overload, "--json") == 0
    requests = json.loads(capsys.readouterr().out)["requests"]
    shed = requests["shed"]["max_num_queued_reqs"]
    assert requests["offered"] == pytest.approx(200 * 8, rel=0.1)
    assert shed > requests["answered"] > 0
    assert requests["offered"] == requests["answered"] + shed + requests["under_way"]
    assert 0 < requests["under_way"] <= 30
    assert run(config, *overload) == 0
    assert f"{shed} shed (max_num_queued_reqs), {requests['under_way']} under way" in capsys.readouterr().out


def test_a_length_that_does_not_fit_now_and_then_does_not_end_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    lengths = tmp_path / "lengths"
    lengths.write_text("100\n" * 9 + "40000\n")
    assert run(config, "--rate", "10", "--prompt-tokens", f"file:{lengths}", "--json") == 0
    requests = json.loads(capsys.readouterr().out)["requests"]
    assert requests["too_long"] > 0
    assert requests["answered"] > 3 * requests["too_long"]


def test_limits_that_are_not_given_are_those_of_the_gpu(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    fit = written(tmp_path / "fit.json", {"gpu": "A100", "parameters": asdict(built_in("H100"))})
    told = []
    for limits in ((), ("--max-num-seqs", "256", "--max-num-batched-tokens", "2048")):
        assert run(config, "--gpu", "A100", "--params", fit, "--clients", "300", *limits, "--json") == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_replicas_a_router_and_a_shared_prefix_are_taken(
    capsys: pytest.CaptureFixture[str], config: str
) -> None:
    more = ("--replicas", "2", "--router", "prefix-aware", "--shared-prefix", "0.5", "--max-num-seqs", "16")
    assert run(config, *more, "--json") == 0
    assert json.loads(capsys.readouterr().out)["tok_s"] > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--gpu", "B300"), "GPU 'B300' is not known; known are A100, H100, H200"),
        (("--gpu", "A100"), "no built-in parameters for GPU 'A100'"),
        (("--duration", "0s"), "--duration: '0s' must be above 0"),
        (("--duration", "soon"), "--duration: 'soon' is not a duration"),
        (("--clients", "0"), "--clients: '0' is not a whole number from 1"),
        (("--rate", "0"), "--rate: '0' is not a number from 0.001"),
        (("--prompt-tokens", "0"), "--prompt-tokens: '0': 0 tokens is not from 1"),
        (("--prompt-tokens", "fixed:40000"), "more than max_model_len (32768)"),
        (
            ("--max-num-seqs", "8", "--max-num-batched-tokens", "4"),
            "max_num_batched_tokens (4) must be greater than or equal to",
        ),
        (("--max-num-active-seqs", "2000"), "max_num_active_seqs (2000) cannot be greater than"),
        (("--max-model-len", "40000"), "max_model_len (40000) is more than the model's own (32768)"),
        (("--gpu-memory-utilization", "0.1"), "no memory is left for the KV cache"),
        (("--shared-prefix", "1.5"), "--shared-prefix: '1.5' is not a number from 0 to 1"),
        (("--arrivals", "poison"), "'poison' is no pattern of arrivals"),
        (("--params", "/nowhere"), "/nowhere: cannot be read"),
    ],
)
def test_bad_input_is_told_with_its_flag_and_the_remedy(
    capsys: pytest.CaptureFixture[str], config: str, arguments: tuple[str, ...], told: str
) -> None:
    assert told in refused(capsys, config, *arguments)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "num_attention_heads: is missing"),
    ],
)
def test_a_config_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    error = refused(capsys, str(path))
    assert str(path) in error
    assert told in error


def test_what_a_fit_writes_is_what_check_and_run_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    table, out = written(tmp_path / "table.json", TABLE), str(tmp_path / "params.json")
    model = ("--model-config", config)
    command = ["simulate", "fit", "--rows", table, *model, "--gpu", "H100", "--out", out]
    assert main([*command, "--evaluations", "3"]) == 0
    assert "2 rows" in capsys.readouterr().out
    assert main(["simulate", "check", "--rows", table, "--params", out, *model, "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert list(checked) == ["cells", "median_error", "rank_correlation"]
    assert list(checked["median_error"]) == ["tok_s", "ttft_p95", "itl_p95"]
    assert [cell["seqs"] for cell in checked["cells"]] == [8, 4]
    assert main(["simulate", "check", "--rows", table, "--params", out, *model]) == 0
    assert "tok_s: median error" in capsys.readouterr().out
    assert run(config, "--params", out) == 0


def test_a_fit_finds_what_is_wrong_before_it_begins(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    lacking = written(tmp_path / "lacking.json", TABLE | {"rows": [{"seqs": 8, "toks": 512}]})
    whole = written(tmp_path / "whole.json", TABLE)
    for rows, out, told in (
        (lacking, str(tmp_path / "out"), "rows[0]: key 'tok_s' is missing"),
        (whole, str(tmp_path / "no folder" / "out"), "--out:"),
        (whole, str(tmp_path), "cannot be written: Is a directory"),
    ):
        command = ["simulate", "fit", "--rows", rows, "--model-config", config, "--gpu", "H100", "--out", out]
        assert main(command) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("ended_by", [KeyboardInterrupt, ModuleNotFoundError])
@pytest.mark.parametrize("before", [None, "fitted before"])
def test_a_fit_that_does_not_end_leaves_the_file_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    config: str,
    ended_by: type[BaseException],
    before: str | None,
) -> None:
    def fit(*_: object, **__: object) -> None:
        raise ended_by

    monkeypatch.setattr(simulate_fit, "fit", fit)
    table, out = written(tmp_path / "table.json", TABLE), tmp_path / "params.json"
    if before is not None:
        out.write_text(before)
    inputs = ("--rows", table, "--model-config", config, "--gpu", "H100")
    command = ["simulate", "fit", *inputs, "--out", str(out)]
    if ended_by is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            main(command)
    else:
        assert main(command) == 2
    assert (out.read_text() if out.exists() else None) == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"parameters": asdict(TYPICAL)}, "key 'gpu' is missing"),
        ({"gpu": "H100"}, "parameters: missing"),
        ({"gpu": "A100", "parameters": asdict(TYPICAL)}, "was fitted to GPU 'A100', not 'H100'"),
        ({"gpu": "H100", "parameters": asdict(TYPICAL) | {"overlap": 0}}, "overlap: 0 is out of bounds"),
    ],
)
def test_parameters_that_cannot_be_read_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str, content: object, told: str
) -> None:
    path = written(tmp_path / "params.json", content)
    assert told in refused(capsys, config, "--params", path)
