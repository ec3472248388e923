"""A model on a GPU as vLLM starts it, and the gap between two tokens that a step of it leaves.

The time of a step is the simulator's (`setpoint.simulator.steptime`), but for one thing: a step of more
tokens than CUDA graphs were captured for takes longer than its launch by the host and its work on the GPU
would if the one hid the other. Where both are near each other an H100 took some 33 ms with 768 tokens and 39
to 45 with 1,024 (launch 29, work 24 and 32 ms; docs/h100.md), so that they are added as reading and
multiplying are.
"""

from dataclasses import dataclass, replace
from math import ceil

from setpoint.planner.mix import Mix
from setpoint.simulator.gpus import Gpu
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.step import Step
from setpoint.simulator.steptime import StepTime, captured_tokens

_LAUNCH_OVERLAP = 3.0
"""As `Parameters.overlap`, of launching and computing."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What is fixed before the limits are chosen."""

    shape: ModelShape
    gpu: Gpu
    parameters: Parameters
    start: EngineConfig
    """What the engine is started with: no limit goes above it."""

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache holds."""
        return self.start.kv_blocks * self.start.block_size


class Gaps:
    """How long the gap between two tokens is, for one mix of requests; calling it is pure."""

    def __init__(self, serving: Serving, mix: Mix) -> None:
        parameters, shape = serving.parameters, serving.shape
        unlaunched = replace(parameters, graph_layer_seconds=0.0, launch_layer_seconds=0.0)
        self._compute_seconds = StepTime(unlaunched, serving.gpu, shape, serving.start.max_num_seqs)
        self._mix = mix
        self._captured_tokens = captured_tokens(serving.start.max_num_seqs)
        self._pieces_seconds = parameters.graph_layer_seconds * shape.layers
        self._eager_seconds = parameters.launch_layer_seconds * shape.layers
        self._request_seconds = parameters.request_seconds
        self._request_seconds += parameters.prompt_token_seconds * mix.prompt_tokens
        self._output_seconds = parameters.output_token_seconds

    def __call__(self, decoding: float, prefill_tokens: float) -> float:
        """Return the seconds of a step with so many decoding requests and prompt tokens, one after another.

        It is no shorter than the API server needs to hand out its tokens and to read the requests of its
        prompts.
        """
        step = self.step_seconds(decoding, prefill_tokens)
        return max(step, self.api_server_seconds(decoding, prefill_tokens))

    def single(self, decoding: float, prefill_tokens: float) -> float:
        """Return the seconds of one such step, whose prompts were read long before."""
        return max(self.step_seconds(decoding, prefill_tokens), self.api_server_seconds(decoding, 0))

    def step_seconds(self, decoding: float, prefill_tokens: float) -> float:
        """Return what the engine needs for it."""
        compute = self.compute_seconds(decoding, prefill_tokens)
        if round(decoding + prefill_tokens) > self._captured_tokens:
            return _together(compute, self._eager_seconds)
        return max(compute, self._pieces_seconds if prefill_tokens else 0.0)

    def compute_seconds(self, decoding: float, prefill_tokens: float) -> float:
        """Return what the GPU needs for it, however it is launched."""
        return self._compute_seconds(self._step(decoding, prefill_tokens))

    def api_server_seconds(self, decoding: float, prefill_tokens: float) -> float:
        """Return what the API server needs for the tokens that a step brings and the requests it takes in."""
        prompts = prefill_tokens / self._mix.prompt_tokens
        return decoding * self._output_seconds + prompts * self._request_seconds

    def _step(self, decoding: float, prefill_tokens: float) -> Step:
        prompt = self._mix.prompt_tokens
        prompts = max(prefill_tokens / prompt, 1.0) if prefill_tokens else 0.0
        # A chunk of a prompt attends to half of it on average, and ends in its midst.
        context = prefill_tokens if prefill_tokens >= prompt else (prompt + prefill_tokens) / 2
        return Step(
            index=1,
            decoding=round(decoding),
            decoding_context_tokens=round(decoding * self._mix.live_tokens),
            prefill_tokens=round(prefill_tokens),
            prefill_sequences=ceil(prompts),
            prefill_context_tokens=round(context) if prefill_tokens else 0,
            attention_pairs=round(prefill_tokens * prompt / 2),
        )


def _together(compute: float, launch: float) -> float:
    return float((compute**_LAUNCH_OVERLAP + launch**_LAUNCH_OVERLAP) ** (1 / _LAUNCH_OVERLAP))
