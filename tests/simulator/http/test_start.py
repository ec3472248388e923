"""What ends the simulator before it serves, with which code and in whose words."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from setpoint.simulator.http.__main__ import main
from setpoint.simulator.parameters import built_in

Ended = Callable[..., tuple[int, str]]


@pytest.fixture
def ended(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Ended:
    """Runs `vllm serve ARGUMENTS` in an environment; its exit code and what it wrote."""

    def run(*arguments: str, **environment: str) -> tuple[int, str]:
        started = {"SETPOINT_SIMULATOR_START_SECONDS": "0"} | environment
        try:
            code = main(["serve", *arguments, "--host=127.0.0.1", "--port=0"], started)
        except SystemExit as ended:
            code = int(ended.code or 0)
        written = capsys.readouterr()
        return code, caplog.text + written.out + written.err

    return run


def big_model(folder: Path, **changed: int) -> Path:
    """The config.json of a model of 8 billion parameters."""
    config = {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
        "max_position_embeddings": 8192,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config | changed))
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bogus-flag", "3"], "vllm: error: unrecognized arguments: --bogus-flag 3"),
        (["--max-num-seqs", "x"], "vllm serve: error: argument --max-num-seqs: invalid int value: 'x'"),
        (
            ["--kv-cache-dtype", "bogus"],
            "argument --kv-cache-dtype: invalid choice: 'bogus' (choose from 'auto', ",
        ),
    ],
)
def test_an_option_that_cannot_be_read_ends_with_2(
    ended: Ended, folder: Path, arguments: list[str], words: str
) -> None:
    code, log = ended(str(folder), *arguments)
    assert code == 2
    assert words in log


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-num-seqs=0"], "max_num_seqs\n  Input should be greater than or equal to 1"),
        (
            ["--max-num-seqs=8", "--max-num-batched-tokens=4"],
            "max_num_batched_tokens (4) must be greater than or equal to max_num_seqs (8)",
        ),
        (
            ["--max-num-seqs=4", "--max-num-active-seqs=8"],
            "max_num_active_seqs (8) cannot be greater than max_num_seqs (4)",
        ),
        (
            ["--max-model-len=8k"],
            "User-specified max_model_len (8000) is greater than the derived max_model_len",
        ),
        (
            ["--tensor-parallel-size=3"],
            "Total number of attention heads (4) must be divisible by tensor parallel size (3)",
        ),
    ],
)
def test_a_value_that_does_not_fit_ends_with_1(
    ended: Ended, folder: Path, arguments: list[str], words: str
) -> None:
    code, log = ended(str(folder), *arguments)
    assert code == 1
    assert words in log


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"SETPOINT_SIMULATOR_FAULTS": "out-of-memory"},
            "OutOfMemoryError: CUDA out of memory. Tried to allocate",
        ),
        ({"SETPOINT_SIMULATOR_GPU": "abacus"}, "GPU 'abacus' is not known; known are A100, H100, H200"),
        ({"SETPOINT_SIMULATOR_GPU": "A100"}, "SETPOINT_SIMULATOR_GPU: there are no built-in parameters"),
        ({"SETPOINT_SIMULATOR_PARAMS": __file__}, "SETPOINT_SIMULATOR_PARAMS"),
    ],
)
def test_a_gpu_that_cannot_run_it_ends_with_1(
    ended: Ended, folder: Path, environment: dict[str, str], words: str
) -> None:
    code, log = ended(str(folder), **environment)
    assert code == 1
    assert words in log


def test_parameters_that_were_fitted_to_another_gpu_end_with_1(ended: Ended, folder: Path) -> None:
    fit = folder / "fit.json"
    fit.write_text(json.dumps({"gpu": "A100", "parameters": asdict(built_in("H100")), "fitted": {}}))
    code, log = ended(str(folder), SETPOINT_SIMULATOR_PARAMS=str(fit))
    assert code == 1
    assert "was fitted to GPU 'A100', not 'H100'" in log


def test_parameters_that_fit_wrote_are_taken(ended: Ended, folder: Path) -> None:
    fit = folder / "fit.json"
    fit.write_text(json.dumps({"gpu": "A100", "parameters": asdict(built_in("H100")), "fitted": {}}))
    environment = {"GPU": "A100", "PARAMS": str(fit), "FAULTS": "out-of-memory"}
    _, log = ended(str(folder), **{f"SETPOINT_SIMULATOR_{key}": value for key, value in environment.items()})
    assert "PARAMS" not in log
    assert "CUDA out of memory" in log


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gpu-memory-utilization=0.1"], "No available memory for the cache blocks."),
        (
            ["--kv-cache-memory-bytes=100M"],
            "KV cache is needed, which is larger than the available KV cache memory",
        ),
    ],
)
def test_a_model_that_leaves_no_room_for_its_cache_ends_with_1(
    ended: Ended, tmp_path: Path, arguments: list[str], words: str
) -> None:
    code, log = ended(str(big_model(tmp_path)), *arguments)
    assert code == 1
    assert words in log


def test_a_model_larger_than_the_gpu_runs_out_of_memory(ended: Ended, tmp_path: Path) -> None:
    code, log = ended(str(big_model(tmp_path, num_hidden_layers=400)))
    assert code == 1
    assert "OutOfMemoryError: CUDA out of memory." in log


def test_what_ends_the_engine_core_is_told_before_the_end_of_the_server(ended: Ended, tmp_path: Path) -> None:
    _, log = ended(str(big_model(tmp_path)), "--gpu-memory-utilization=0.1")
    cause = log.index("(EngineCore) ValueError: No available memory")
    assert log.index("RuntimeError: Engine core initialization failed. See root cause above.") > cause


def test_a_variable_that_is_wrong_ends_with_2_before_anything_is_done(ended: Ended, tmp_path: Path) -> None:
    code, log = ended(str(tmp_path / "nothing"), SETPOINT_SIMULATOR_TIME_SCALE="fast")
    assert code == 2
    assert "SETPOINT_SIMULATOR_TIME_SCALE='fast'" in log


def test_a_middleware_is_not_loaded_and_that_is_said(ended: Ended, folder: Path) -> None:
    code, log = ended(str(folder), "--middleware", "setpoint_vllm.Door", "--max-num-seqs=0")
    assert code == 1
    assert "--middleware setpoint_vllm.Door is not loaded" in log


def test_a_folder_without_a_model_ends_with_1(ended: Ended, tmp_path: Path) -> None:
    assert ended(str(tmp_path / "nothing"))[0] == 1
    code, log = ended(str(tmp_path))
    assert code == 1
    assert "no config.json" in log


@pytest.mark.parametrize("content", ["{", "[]", '{"num_hidden_layers": 2}'])
def test_a_config_that_is_none_ends_with_1(ended: Ended, tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    code, log = ended(str(tmp_path))
    assert code == 1
    assert "ValueError: " in log
    assert "Traceback" not in log
