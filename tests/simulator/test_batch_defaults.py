from dataclasses import replace

import pytest

from setpoint.simulator.batch_defaults import batch_limits
from setpoint.simulator.gpus import gpu

GIB = 2**30


@pytest.mark.parametrize(
    ("name", "limits"), [("H100", (1024, 8192)), ("H200", (1024, 8192)), ("A100", (256, 2048))]
)
def test_a_known_gpu_starts_as_in_vllm(name: str, limits: tuple[int, int]) -> None:
    assert batch_limits(gpu(name), 32_768, None, None) == limits


@pytest.mark.parametrize(
    ("gib", "limits"), [(69, (256, 2048)), (70, (1024, 8192)), (159, (1024, 8192)), (160, (1024, 16_384))]
)
def test_the_memory_decides(gib: int, limits: tuple[int, int]) -> None:
    assert batch_limits(replace(gpu("H100"), memory_bytes=gib * GIB), 32_768, None, None) == limits


def test_what_is_given_holds_and_bounds_what_is_not() -> None:
    assert batch_limits(gpu("H100"), 4096, 64, 512) == (64, 512)
    assert batch_limits(gpu("H100"), 4096, None, 64) == (64, 64)
    assert batch_limits(gpu("H100"), 4096, 1, None) == (1, 4096)
