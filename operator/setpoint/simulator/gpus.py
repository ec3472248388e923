"""Data sheets: what a GPU can do at best. What it reaches is fitted (`parameters`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as its maker describes it."""

    name: str
    memory_bytes: int
    """What CUDA reports as total memory, a little less than the name says."""
    bytes_per_second: float
    """Peak memory bandwidth."""
    flops_per_second: float
    """Peak dense bfloat16 rate of the tensor cores."""


_GIB = 2**30
_GPUS = {
    each.name: each
    for each in (
        Gpu("A100", int(79.15 * _GIB), 2.039e12, 312e12),
        Gpu("H100", int(79.18 * _GIB), 3.35e12, 989e12),
        Gpu("H200", int(139.8 * _GIB), 4.8e12, 989e12),
    )
}
"""The SXM modules with 80 and 141 GB; from NVIDIA's data sheets."""


def gpu(name: str) -> Gpu:
    """Return the GPU of that name. Raises ValueError that says which are known."""
    try:
        return _GPUS[name]
    except KeyError:
        raise ValueError(f"GPU {name!r} is not known; known are {', '.join(_GPUS)}") from None


def known_gpus() -> tuple[Gpu, ...]:
    """Return all GPUs that are known by name."""
    return tuple(_GPUS.values())
