"""The few numbers that are measured: how much of its data sheet a GPU reaches, and what else costs time.

They belong to a GPU, an engine version and the machine around them, not to a model.
"""

import json
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

_BUILT_IN = "built_in.json"


def _within(name: str, value: float) -> bool:
    if name.endswith("_share"):
        return 0 < value <= 1
    return 1 <= value <= 100 if name == "overlap" else 0 <= value <= 10


@dataclass(frozen=True, slots=True)
class Parameters:
    """What `setpoint simulate fit` finds. Shares are of the data sheet, above 0 and at most 1.

    Raises ValueError that names the number that is out of bounds.
    """

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
    """Every step, whatever is in it: norms, the scheduler's own work."""
    sequence_seconds: float
    """Every sequence of a step: preparing inputs, sampling."""
    graph_layer_seconds: float
    """Host time to launch one layer of a step with prompts that fits into the captured CUDA graphs: they are
    captured in pieces then, with attention between them."""
    launch_layer_seconds: float
    """Host time to launch one layer of a step of more tokens than CUDA graphs were captured for."""
    network_seconds: float
    """Every request: client, network and the ways between processes, which serve any number at a time."""
    request_seconds: float
    """Every request in the API server, which does one thing at a time."""
    prompt_token_seconds: float
    """Every prompt token there."""
    output_token_seconds: float
    """Every generated token there."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not _within(field.name, value):
                raise ValueError(f"{field.name}: {value!r} is out of bounds")

    @classmethod
    def parse(cls, content: Any) -> "Parameters":
        """Read what `setpoint simulate fit` wrote. Raises ValueError that names what is wrong."""
        names = {field.name for field in fields(cls)}
        found = set(content) if isinstance(content, dict) else set()
        if found != names:
            raise ValueError(
                f"parameters: missing {sorted(names - found)}, unknown {sorted(found - names)}: "
                "write the file with `setpoint simulate fit`"
            )
        return cls(**content)


TYPICAL = Parameters(
    weight_bandwidth_share=0.83,
    kv_bandwidth_share=0.9,
    flops_share=0.6,
    attention_flops_share=0.45,
    overlap=3.0,
    step_seconds=1e-3,
    sequence_seconds=5e-6,
    graph_layer_seconds=4e-4,
    launch_layer_seconds=9e-4,
    network_seconds=15e-3,
    request_seconds=2e-3,
    prompt_token_seconds=1e-6,
    output_token_seconds=1e-4,
)
"""Where a fit begins: round numbers that a long fit to every other row of the H100's tables led to. On those
tables they are as near as a fit, therefore; for another GPU they are a guess of the right size."""


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


def of_fit(content: Any) -> tuple[str, Parameters]:
    """Return the GPU's name and the parameters that `setpoint simulate fit` wrote into a file.

    Raises ValueError that names what is missing or wrong.
    """
    gpu_name = content.get("gpu") if isinstance(content, dict) else None
    if not gpu_name:
        raise ValueError("key 'gpu' is missing: write the file with `setpoint simulate fit`")
    return str(gpu_name), Parameters.parse(content.get("parameters"))


def of_fit_to(gpu_name: str, content: Any) -> Parameters:
    """Return the parameters of a fit to this GPU. Raises ValueError also when it was another."""
    name, parameters = of_fit(content)
    if name != gpu_name:
        raise ValueError(f"was fitted to GPU {name!r}, not {gpu_name!r}: fit anew, or name that GPU")
    return parameters
