"""Sizes of steps that vLLM captures CUDA graphs for: a step of requests that all decode is padded to one.

From VllmConfig._set_cudagraph_sizes (vllm/config/vllm.py, 0.25 to 0.32): steps of 8 up to 256, and of 16 from
there up to min(2 x max_num_seqs, 512).
"""

from setpoint.simulator.steptime import MOST_CAPTURED_TOKENS

_COARSE = 16
SIZES = (1, 2, 4, *range(8, 257, 8), *range(256 + _COARSE, MOST_CAPTURED_TOKENS + 1, _COARSE))


def started_sequences(tokens: int, sequences: int, most: int) -> int:
    """Return the max_num_seqs of a start, up to `most`, for limits of so many tokens and sequences.

    Where the sequences are fewer than half of the largest captured size, larger steps would have no graph:
    then more are started than may run (max_num_active_seqs, of vLLM 0.31 and later).
    """
    return max(sequences, min(MOST_CAPTURED_TOKENS // 2, tokens, most))


def snapped_down(sequences: float) -> int:
    """Return the largest captured size that is not above `sequences`, at least 1.

    Above the largest, where nothing is captured, it is a multiple of 16 all the same.
    """
    if sequences > MOST_CAPTURED_TOKENS:
        return int(sequences // _COARSE) * _COARSE
    return max((size for size in SIZES if size <= sequences), default=1)
