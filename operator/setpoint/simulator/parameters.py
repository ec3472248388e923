"""The few numbers that are measured: how much of its data sheet a GPU reaches, and what else costs time.

They belong to a GPU and an engine version, not to a model.
"""

import json
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

_BUILT_IN = "built_in.json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What `setpoint simulate fit` finds. Shares are of the data sheet, above 0 and at most 1."""

    weight_bandwidth_share: float
    """Memory bandwidth reached while weights are read."""
    kv_bandwidth_share: float
    """Memory bandwidth reached while attention reads the KV cache."""
    flops_share: float
    """Tensor-core rate reached by large matrix products."""
    attention_flops_share: float
    """Tensor-core rate reached by attention over a prompt."""
    overlap: float
    """How reading weights (r) and multiplying by them (m) overlap: together they take
    (r^overlap + m^overlap)^(1/overlap). 1: one after the other; the higher, the nearer to the longer."""
    step_seconds: float
    """Every step, whatever is in it: launches, norms, the scheduler's own work."""
    sequence_seconds: float
    """Every sequence of a step: preparing inputs, sampling, handing out its token."""
    launch_layer_seconds: float
    """Host time to launch one layer's kernels. It bounds a step of more tokens than CUDA graphs were captured
    for from below; a captured one is launched at once."""
    request_seconds: float
    """Every request, in client, network and API server, before the engine has it."""
    prompt_token_seconds: float
    """Every prompt token there."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = 1.0 if field.name.endswith("_share") else 100.0
            least = 1.0 if field.name == "overlap" else 0.0
            if not isinstance(value, int | float) or not least <= value <= most or value + least == 0:
                raise ValueError(f"{field.name}: {value!r} is not a number from {least:g} to {most:g}")

    @classmethod
    def parse(cls, content: Any) -> "Parameters":
        """Read what `to_json` wrote. Raises ValueError that names what is missing, unknown or wrong."""
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) != names:
            found = set(content) if isinstance(content, dict) else set()
            raise ValueError(
                f"parameters: missing {sorted(names - found)}, unknown {sorted(found - names)}: "
                "write the file with `setpoint simulate fit`"
            )
        return cls(**content)


def built_in(gpu_name: str) -> Parameters:
    """Return the parameters that this package brings for a GPU (fitted by benchmarks/simulator).

    Raises ValueError that says for which GPUs there are some.
    """
    known = json.loads((files(__package__) / _BUILT_IN).read_text(encoding="utf-8"))
    if gpu_name not in known:
        raise ValueError(
            f"there are no built-in parameters for GPU {gpu_name!r}, only for {', '.join(known)}: "
            "fit some with `setpoint simulate fit` and name the file with --params"
        )
    return Parameters.parse(known[gpu_name])
