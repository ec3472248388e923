"""How long a step takes on a GPU, from what is computed in it.

A roofline: matrix products of weights and tokens take as long as reading the weights or multiplying them,
whichever is longer, or somewhat more where the two do not overlap wholly; attention reads the KV cache for
decoding requests, and multiplies for prefilling ones; and a step costs something by itself, and for each of
its sequences. It takes at least as long as the host needs to launch it: no time when all requests decode,
which is one CUDA graph, more when graph and attention alternate layer by layer, most without a graph.
"""

from setpoint.simulator.gpus import Gpu
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.step import Step

MOST_CAPTURED_TOKENS = 512
"""vLLM captures CUDA graphs up to min(2 x max_num_seqs, 512) tokens."""


def captured_tokens(max_num_seqs: int) -> int:
    """Return the largest step that an engine with this start has a CUDA graph for."""
    return min(2 * max_num_seqs, MOST_CAPTURED_TOKENS)


class StepTime:
    """What a step costs for one model on one GPU; calling it is pure."""

    def __init__(self, parameters: Parameters, gpu: Gpu, shape: ModelShape, max_num_seqs: int) -> None:
        self._shape = shape
        self._captured_tokens = captured_tokens(max_num_seqs)
        weight_rate = gpu.bytes_per_second * parameters.weight_bandwidth_share
        flops = gpu.flops_per_second * parameters.flops_share
        self._seconds_per_weight_byte = 1 / weight_rate
        self._dense_read_seconds = shape.bytes_read(1) / weight_rate if shape.experts == 1 else None
        self._token_seconds = shape.flops_per_token / flops
        self._sampled_seconds = shape.flops_per_sampled_token / flops
        self._context_seconds = shape.kv_bytes_per_token / (
            gpu.bytes_per_second * parameters.kv_bandwidth_share
        )
        self._pair_seconds = shape.flops_per_attention_pair / (
            gpu.flops_per_second * parameters.attention_flops_share
        )
        self._overlap: float = parameters.overlap
        self._step_seconds = parameters.step_seconds
        self._sequence_seconds = parameters.sequence_seconds
        self._pieces_launch_seconds = parameters.graph_layer_seconds * shape.layers
        self._eager_launch_seconds = parameters.launch_layer_seconds * shape.layers

    def __call__(self, step: Step) -> float:
        decoding = step.decoding
        tokens = decoding + step.prefill_tokens
        sequences = decoding + step.prefill_sequences
        read = self._dense_read_seconds
        if read is None:
            read = self._shape.bytes_read(tokens) * self._seconds_per_weight_byte
        multiply = tokens * self._token_seconds + sequences * self._sampled_seconds
        overlap = self._overlap
        seconds: float = (read**overlap + multiply**overlap) ** (1 / overlap)
        # A chunk reads its context once, as a decoding token does, and attends to it with each of its tokens.
        context_tokens = step.decoding_context_tokens + step.prefill_context_tokens
        seconds += context_tokens * self._context_seconds + step.attention_pairs * self._pair_seconds
        seconds += self._step_seconds + sequences * self._sequence_seconds
        if tokens > self._captured_tokens:
            launch = self._eager_launch_seconds
        else:
            launch = self._pieces_launch_seconds if step.prefill_tokens else 0.0
        return max(seconds, launch)
