"""Models, GPUs and mixes that the planner is tried on, and the promises of each."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from setpoint.planner.mix import Mix, mix_of
from setpoint.planner.serving import Serving
from setpoint.simulator.experiment import Requests
from setpoint.simulator.gpus import gpu
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import built_in
from setpoint.simulator.start import start_config
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from setpoint.workload.objectives import Objective, parse_slo

_MAX_MODEL_LEN = 8192
MODELS: dict[str, dict[str, Any]] = {
    "8B": json.loads((Path(__file__).parents[1] / "data" / "h100-llama8b-config.json").read_text()),
    # As Llama 3.2 3B, Qwen 2.5 14B and Qwen 3 30B A3B have them.
    "3B": {
        "num_hidden_layers": 28, "hidden_size": 3072, "num_attention_heads": 24, "num_key_value_heads": 8,
        "head_dim": 128, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True,
        "max_position_embeddings": 131072,
    },
    "14B": {
        "num_hidden_layers": 48, "hidden_size": 5120, "num_attention_heads": 40, "num_key_value_heads": 8,
        "intermediate_size": 13824, "vocab_size": 152064, "max_position_embeddings": 32768,
    },
    "30B, 3B active": {
        "num_hidden_layers": 48, "hidden_size": 2048, "num_attention_heads": 32, "num_key_value_heads": 4,
        "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_experts": 128,
        "num_experts_per_tok": 8, "vocab_size": 151936, "max_position_embeddings": 40960,
    },
}  # fmt: skip
MIXES = {
    "chat": ("uniform:256:768", "uniform:64:192"),
    "documents": ("uniform:1536:4608", "uniform:64:192"),
    "long answers": ("uniform:512:1536", "uniform:512:1536"),
    "varied": ("lognormal:600:0.8:4000", "lognormal:180:0.7:2000"),
}


@dataclass(frozen=True)
class Case:
    """One engine under one mix, and what p95 between tokens may be, with what it may be to the first."""

    model: str
    gpu: str
    mix_name: str
    itl_ms: tuple[float, ...] = field(default=(30, 60))
    ttft_ms: float = 1000

    @property
    def serving(self) -> Serving:
        """As `vllm serve` starts it; a GPU without parameters of its own has the H100's."""
        shape, card = ModelShape.from_config(MODELS[self.model]), gpu(self.gpu)
        return Serving(shape, card, built_in("H100"), start_config(shape, card, max_model_len=_MAX_MODEL_LEN))

    @property
    def requests(self) -> Requests:
        """What arrives."""
        prompt, output = MIXES[self.mix_name]
        return Requests(Shape(parse_lengths(prompt), parse_lengths(output)))

    @property
    def mix(self) -> Mix:
        """What the planner is told of it."""
        return mix_of(self.requests.shape, Random(0))

    def promised(self, itl_ms: float) -> tuple[Objective, ...]:
        """Return the objectives under one of the promises."""
        return parse_slo(f"itl.p95={itl_ms:g}ms,ttft.p95={self.ttft_ms:g}ms").objectives


CHAT_ON_H100 = Case("8B", "H100", "chat")
"""That of the measured rows (docs/h100.md)."""
CASES = (
    Case("8B", "H100", "chat", (16, 30, 50, 100)),
    Case("8B", "H100", "documents", (20, 30, 50, 100)),
    Case("8B", "H100", "long answers", (20, 30, 50)),
    Case("8B", "H100", "varied", (30, 100)),
    Case("3B", "H100", "chat", (15, 30)),
    Case("14B", "H100", "varied", (30, 50, 100)),
    Case("30B, 3B active", "H100", "chat", (30, 60)),
    Case("8B", "A100", "chat", (30, 50)),
    Case("14B", "H200", "documents", (60,), 2000),
)
