import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from setpoint.api.tuning import Tuning
from setpoint.simulator.parameters import built_in
from tests.cli.conftest import Ended, Run
from tests.simulator.builders import LLAMA_8B

CHAT = ("--prompt-tokens", "uniform:256:768", "--output-tokens", "uniform:64:192")
Plan = Callable[..., Ended]


@pytest.fixture
def plan(run: Run, tmp_path: Path) -> Plan:
    """Run `setpoint plan` for an 8B model on an H100 under 30 ms and 1 s, or what else is given."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(LLAMA_8B))

    def plan(*arguments: str, slo: str = "itl.p95=30ms,ttft.p95=1s") -> Ended:
        return run("plan", "--gpu", "H100", "--model-config", str(config), "--slo", slo, *arguments)

    return plan


def planned(ended: Ended, status: int = 0) -> dict[str, Any]:
    assert (ended.status, ended.err) == (status, "")
    content: dict[str, Any] = json.loads(ended.out)
    return content


def test_a_plan_names_limits_flags_and_a_patch_that_the_api_takes(plan: Plan) -> None:
    told = planned(plan(*CHAT, "--json"))
    assert told["limits"] == {"max_num_batched_tokens": 512, "max_num_seqs": 256}
    assert told["start"] == {"max_num_batched_tokens": 8192, "max_num_seqs": 1024}
    assert told["flags"] == ["--max-num-batched-tokens=512", "--max-num-seqs=256"]
    tuning = Tuning.model_validate(told["patch"]["spec"]["tuning"])
    assert tuning.bounds.max_num_batched_tokens is not None
    assert tuning.bounds.max_num_batched_tokens.max == 512
    assert told["kept"]
    assert told["predicted"]["binds"] == "gaps"


def test_a_plan_is_told_to_people(plan: Plan) -> None:
    ended = plan(*CHAT, "--rate", "100", "--price-per-gpu-hour", "2.50")
    assert (ended.status, ended.err) == (0, "")
    for told in (
        "512 tokens a step, 256 sequences (the start: 8192, 1024)",
        "3 for 100 requests/s",
        "--max-num-batched-tokens=512 --max-num-seqs=256",
        '"maxNumBatchedTokens": {"max": 512}',
        "the gaps: a larger budget would serve more",
    ):
        assert told in ended.out
    figures = [
        line for line in ended.out.splitlines() if line.startswith(("Sustainable", "Replicas", "Cost"))
    ]
    assert len(figures) == 3
    assert all("predicted" in line for line in figures)


def test_fewer_than_256_sequences_leave_the_graphs_as_they_are(plan: Plan) -> None:
    told = planned(plan(*CHAT, "--json", slo="itl.p95=21ms,ttft.p95=1s"))
    assert told["limits"]["max_num_seqs"] < 256
    assert told["flags"][1:] == [
        "--max-num-seqs=256",
        f"--max-num-active-seqs={told['limits']['max_num_seqs']}",
    ]


def test_start_values_that_are_best_need_neither_flags_nor_a_patch(plan: Plan) -> None:
    told = planned(plan(*CHAT, "--max-num-seqs", "256", "--max-num-batched-tokens", "512", "--json"))
    assert (told["flags"], told["patch"]) == ([], None)


def test_what_nobody_has_said_is_told_as_assumed(plan: Plan) -> None:
    (mix, _) = planned(plan("--json"))["assumptions"]
    assert "prompts of 1024 tokens and answers of 256" in mix
    (_,) = planned(plan(*CHAT, "--json"))["assumptions"]


def test_a_gpu_that_nobody_measured_is_told_as_assumed(plan: Plan, tmp_path: Path) -> None:
    guess = planned(plan(*CHAT, "--gpu", "A100", "--json", slo="itl.p95=60ms"))["assumptions"]
    assert any("A100 reaches what an H100 does" in each for each in guess)
    fit = tmp_path / "fit.json"
    fit.write_text(json.dumps({"gpu": "A100", "parameters": asdict(built_in("H100"))}))
    fitted = planned(plan(*CHAT, "--gpu", "A100", "--params", str(fit), "--json", slo="itl.p95=60ms"))
    assert len(fitted["assumptions"]) == len(guess) - 1


def test_a_promise_that_no_limits_keep_ends_with_1_and_what_would_keep_it(plan: Plan) -> None:
    ended = plan(*CHAT, slo="itl.p95=10ms,ttft.p95=1s")
    assert ended.status == 1
    assert "itl.p95=10ms cannot be kept at any limits" in ended.out
    assert "the least gap is 12." in ended.out
    assert "Sustainable rate" not in ended.out
    told = planned(plan(*CHAT, "--rate", "5", "--json", slo="itl.p95=10ms,ttft.p95=1s"), status=1)
    assert (told["kept"], told["predicted"]["demand"], told["remedies"]) == (False, None, [])


def test_a_first_token_that_no_limits_keep_is_told(plan: Plan) -> None:
    ended = plan("--prompt-tokens", "8000", "--output-tokens", "100", slo="ttft.p95=200ms")
    assert ended.status == 1
    assert "ttft.p95=200ms cannot be kept at any limits, as" in ended.out
    assert "the first token of a mean prompt takes" in ended.out
    assert "tensor parallelism over" in ended.out


def test_a_first_token_that_only_the_gaps_keep_late_is_told_so(plan: Plan) -> None:
    ended = plan("--prompt-tokens", "30000", "--output-tokens", "10", slo="itl.p95=30ms,ttft.p95=300ms")
    assert ended.status == 1
    assert "ttft.p95=300ms cannot be kept at any limits that are chosen for itl.p95=30ms" in ended.out
    assert "takes 1.42 s" in ended.out
    assert "take a smaller model or shorter prompts" in ended.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--gpu", "B300"), "GPU 'B300' is not known; known are A100, H100, H200"),
        (("--slo", "e2e.p95=5s"), "e2e cannot be planned for: promise itl or ttft instead"),
        (("--slo", "fast"), "--slo: 'fast' is no objective"),
        (("--prompt-tokens", "100"), "--output-tokens is missing: give the lengths of prompts and answers"),
        (("--prompt-tokens", "0", "--output-tokens", "1"), "0 tokens is not from 1"),
        (("--prompt-tokens", "40000", "--output-tokens", "1"), "more than max_model_len (32768)"),
        (("--rate", "0"), "--rate: '0' is not a number from 0.001"),
        (("--price-per-gpu-hour", "free"), "--price-per-gpu-hour: 'free' is not a number from"),
        (
            ("--max-num-seqs", "512", "--max-num-batched-tokens", "256"),
            "max_num_batched_tokens (256) must be",
        ),
        (("--max-model-len", "1000"), "the assumed lengths, are more than max_model_len (1000): say what"),
        (("--max-model-len", "40000"), "max_model_len (40000) is more than the model's own (32768)"),
        (("--gpu-memory-utilization", "0.1"), "no memory is left for the KV cache"),
        (("--params", "/nowhere"), "/nowhere: cannot be read"),
        (("--model-config", "/nowhere"), "/nowhere: cannot be read"),
    ],
)
def test_bad_input_is_told_with_its_flag_and_the_remedy(
    plan: Plan, arguments: tuple[str, ...], told: str
) -> None:
    ended = plan(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err
