"""What is simulated, and how the simulator behaves: its environment variables.

The command line is vLLM's alone, so that an image of the simulator can stand where vLLM's stood.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from setpoint.simulator.http.faults import Faults, parse_faults
from setpoint.workload.lengths import Lengths, parse_lengths

_PREFIX = "SETPOINT_SIMULATOR_"


@dataclass(frozen=True, slots=True)
class Settings:
    """The variables' values. A path is None where its variable is unset or empty."""

    gpu: str
    """SETPOINT_SIMULATOR_GPU: the GPU whose step times are simulated (H100)."""
    parameters: Path | None
    """SETPOINT_SIMULATOR_PARAMS: what `setpoint simulate fit` wrote, in place of that GPU's own."""
    time_scale: float
    """SETPOINT_SIMULATOR_TIME_SCALE: how long a simulated second takes, in seconds (1)."""
    start_seconds: float
    """SETPOINT_SIMULATOR_START_SECONDS: from the model's files to a ready server (1)."""
    answer_tokens: Lengths
    """SETPOINT_SIMULATOR_ANSWER_TOKENS: where the model would end an answer by itself (32)."""
    seed: int
    """SETPOINT_SIMULATOR_SEED: of the answers' lengths (0)."""
    faults: Faults
    """SETPOINT_SIMULATOR_FAULTS: what is wrong from the start (nothing)."""
    faults_file: Path | None
    """SETPOINT_SIMULATOR_FAULTS_FILE: what is wrong now, read twice a second."""
    limits_file: Path | None
    """SETPOINT_LIMITS_FILE: live limits, as the ConfigMap's volume shows them."""
    limits_annotation_file: Path | None
    """SETPOINT_LIMITS_ANNOTATION_FILE: live limits, as the downward API shows the pod's annotation."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables. Raises ValueError that names a wrong one, its value and the remedy."""
        faults = _get(environment, "FAULTS", "")
        try:
            parsed_faults = parse_faults(faults)
        except ValueError as error:
            raise ValueError(f"{_PREFIX}FAULTS={faults!r}: {error}") from None
        answer_tokens = _get(environment, "ANSWER_TOKENS", "32")
        try:
            lengths = parse_lengths(answer_tokens)
        except ValueError as error:
            raise ValueError(f"{_PREFIX}ANSWER_TOKENS={answer_tokens!r}: {error}") from None
        return cls(
            gpu=_get(environment, "GPU", "H100"),
            parameters=_path(environment, f"{_PREFIX}PARAMS"),
            time_scale=_number(environment, "TIME_SCALE", 1.0, least=0.001),
            start_seconds=_number(environment, "START_SECONDS", 1.0, least=0.0),
            answer_tokens=lengths,
            seed=int(_number(environment, "SEED", 0.0, least=0.0)),
            faults=parsed_faults,
            faults_file=_path(environment, f"{_PREFIX}FAULTS_FILE"),
            limits_file=_path(environment, "SETPOINT_LIMITS_FILE"),
            limits_annotation_file=_path(environment, "SETPOINT_LIMITS_ANNOTATION_FILE"),
        )


def _get(environment: Mapping[str, str], name: str, default: str) -> str:
    return environment.get(_PREFIX + name) or default


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _number(environment: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    text = _get(environment, name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number < math.inf:
        raise ValueError(f"{_PREFIX}{name}={text!r}: set a number, {least:g} or more")
    return number
