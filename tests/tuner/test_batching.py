"""The walk through steps against the simulator, which has the whole of vLLM's scheduler."""

from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.simulator.experiment import ClosedLoop, Requests, run
from setpoint.tuner.batching import Mix, saturated
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from tests.tuner.engines import COST, a_service


def simulated(seqs: int, tokens: int, prompt: int, output: int) -> tuple[float, float]:
    """Output tokens a second, and the gap between tokens that 95 % do not exceed."""
    service = a_service(seqs, tokens)
    lengths = [parse_lengths(f"uniform:{mean // 2}:{mean * 3 // 2}") for mean in (prompt, output)]
    duration = 120.0
    play = run(service, ClosedLoop(seqs), Requests(Shape(*lengths)), duration, seed=1)
    gaps = sorted((gap, count) for at, gap, count in play.record.gaps if at > duration / 3)
    counts = list(accumulate(count for _, count in gaps))
    gap, _ = gaps[bisect_left(counts, 0.95 * counts[-1])]
    return counts[-1] / (duration * 2 / 3), gap


@pytest.mark.parametrize(
    ("seqs", "tokens", "prompt", "output"),
    [
        (64, 512, 512, 128),
        (256, 512, 512, 128),
        (256, 2048, 512, 128),
        (64, 1024, 2048, 128),
        (128, 8192, 256, 512),
    ],
)
def test_a_walk_is_as_fast_as_the_simulated_engine(seqs: int, tokens: int, prompt: int, output: int) -> None:
    throughput, gap = simulated(seqs, tokens, prompt, output)
    walk = saturated(seqs, tokens, Mix(prompt, output))
    assert walk.output_tokens_per_second(COST) == pytest.approx(throughput, rel=0.06)
    assert walk.gap_seconds(COST) == pytest.approx(gap, rel=0.12)


@settings(max_examples=20, deadline=None)
@given(
    seqs=st.integers(1, 300),
    tokens=st.integers(1, 9000),
    prompt=st.integers(1, 4000),
    output=st.integers(1, 800),
)
def test_no_step_is_beyond_the_budget_and_none_runs_more_than_it_may(
    seqs: int, tokens: int, prompt: int, output: int
) -> None:
    walk = saturated(seqs, tokens, Mix(prompt, output))
    assert all(each.tokens <= max(tokens, seqs) + 1e-6 for each in walk.groups)
    assert all(each.running <= seqs + 1e-6 for each in walk.groups)
    assert walk.output_tokens_per_second(COST) >= 0
    assert walk.prefill_steps >= 1


def test_more_clients_than_places_wait_in_turn() -> None:
    walk = saturated(64, 2048, Mix(512, 128))
    alone, queued = (walk.first_token_seconds(COST, waiting) for waiting in (0, 192))
    turn = 192 / walk.requests_per_step * walk.step_seconds(COST)
    assert queued - alone == pytest.approx(turn)
