"""The environment variables."""

from pathlib import Path

import pytest

from setpoint.simulator.http.faults import Faults
from setpoint.simulator.http.settings import Settings
from setpoint.workload.lengths import Uniform


def test_without_variables_an_h100_is_simulated_as_it_is() -> None:
    settings = Settings.from_environment({"SETPOINT_SIMULATOR_GPU": "", "SETPOINT_LIMITS_FILE": ""})
    assert (settings.gpu, settings.time_scale, settings.faults) == ("H100", 1.0, Faults())
    assert (settings.limits_file, settings.faults_file, settings.parameters) == (None, None, None)


def test_each_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "SETPOINT_SIMULATOR_TIME_SCALE": "0.5",
            "SETPOINT_SIMULATOR_ANSWER_TOKENS": "uniform:64:192",
            "SETPOINT_SIMULATOR_FAULTS": "slow:2",
            "SETPOINT_SIMULATOR_FAULTS_FILE": "/faults",
            "SETPOINT_LIMITS_ANNOTATION_FILE": "/limits",
        }
    )
    assert settings.time_scale == 0.5
    assert settings.answer_tokens == Uniform(64, 192)
    assert settings.faults.slow == 2
    assert (settings.faults_file, settings.limits_annotation_file) == (Path("/faults"), Path("/limits"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIME_SCALE", "0"),
        ("TIME_SCALE", "x"),
        ("TIME_SCALE", "inf"),
        ("TIME_SCALE", "nan"),
        ("START_SECONDS", "-1"),
        ("SEED", "x"),
        ("ANSWER_TOKENS", "0"),
        ("ANSWER_TOKENS", "many"),
        ("FAULTS", "gremlins"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"SETPOINT_SIMULATOR_{name}.*{value}"):
        Settings.from_environment({f"SETPOINT_SIMULATOR_{name}": value})
