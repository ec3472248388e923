from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.planner.captured import SIZES
from setpoint.planner.mix import ASSUMED, Mix
from setpoint.planner.plan import BUDGETS, Binding, plan
from setpoint.workload.objectives import Metric, parse_slo
from tests.planner.builders import CHAT, faster, promise, serving

H100 = serving()
MIXES = st.builds(
    Mix,
    st.floats(1, 4000),
    st.floats(1, 4000),
    st.floats(0, 3),
    st.booleans(),
)
GAPS_MS = st.floats(5, 400)
FIRSTS_MS = st.none() | st.floats(50, 5000)
RATIOS = st.floats(1, 4)


@given(MIXES, GAPS_MS, RATIOS, FIRSTS_MS)
def test_a_tighter_promise_between_tokens_never_gives_a_larger_budget(
    mix: Mix, itl_ms: float, looser: float, ttft_ms: float | None
) -> None:
    tight, loose = (plan(H100, promise(ms, ttft_ms), mix) for ms in (itl_ms, looser * itl_ms))
    assert tight.tokens <= loose.tokens
    assert tight.rate_per_second <= loose.rate_per_second * 1.0001


@given(MIXES, GAPS_MS, FIRSTS_MS, RATIOS, RATIOS)
def test_a_faster_gpu_never_sustains_a_lower_rate(
    mix: Mix, itl_ms: float, ttft_ms: float | None, reads: float, multiplies: float
) -> None:
    fast = replace(H100, gpu=faster(reads=reads, multiplies=multiplies))
    slow_plan, fast_plan = (plan(each, promise(itl_ms, ttft_ms), mix) for each in (H100, fast))
    # Without a tenth to spare, a faster one may spend its speed on that first.
    assert not slow_plan.has_reserve or slow_plan.rate_per_second <= fast_plan.rate_per_second * 1.0001


@given(MIXES, GAPS_MS, FIRSTS_MS, st.sampled_from([(64, 512), (256, 2048), (1024, 8192), (100, 100)]))
def test_the_limits_lie_within_those_of_the_start(
    mix: Mix, itl_ms: float, ttft_ms: float | None, start: tuple[int, int]
) -> None:
    sequences, tokens = start
    chosen = plan(
        serving(max_num_seqs=sequences, max_num_batched_tokens=tokens), promise(itl_ms, ttft_ms), mix
    )
    assert chosen.tokens in {*BUDGETS, tokens}
    assert 1 <= chosen.sequences <= min(sequences, chosen.tokens)
    assert chosen.tokens <= tokens
    assert chosen.rate_per_second <= chosen.capacity_per_second


@given(MIXES, GAPS_MS, FIRSTS_MS)
def test_a_cap_that_is_lowered_is_a_captured_size(mix: Mix, itl_ms: float, ttft_ms: float | None) -> None:
    sequences = plan(H100, promise(itl_ms, ttft_ms), mix).sequences
    start = H100.start.max_num_seqs
    assert sequences == start or sequences in SIZES or (sequences > 512 and sequences % 16 == 0)


@given(MIXES, GAPS_MS)
def test_every_step_keeps_the_promise_or_the_plan_says_that_none_does(mix: Mix, itl_ms: float) -> None:
    chosen = plan(H100, promise(itl_ms, None), mix)
    if chosen.shortfalls:
        assert chosen.shortfalls[0].least_seconds > 0.9 * itl_ms / 1000
        assert chosen.rate_per_second == 0
    else:
        share = 0.9 if chosen.has_reserve else 1.0
        assert chosen.step_seconds <= share * itl_ms / 1000
        assert chosen.rate_per_second > 0


@given(MIXES, GAPS_MS, FIRSTS_MS)
def test_the_cap_has_room_for_those_that_decode_at_the_predicted_rate(
    mix: Mix, itl_ms: float, ttft_ms: float | None
) -> None:
    chosen = plan(H100, promise(itl_ms, ttft_ms), mix)
    assert chosen.running <= chosen.sequences


@given(MIXES, GAPS_MS)
def test_the_limits_chosen_give_no_shorter_step_than_the_least(mix: Mix, itl_ms: float) -> None:
    chosen = plan(H100, promise(itl_ms, None), mix)
    assert all(each.least_seconds <= chosen.step_seconds for each in chosen.shortfalls)


def test_reading_many_short_prompts_makes_no_step_longer() -> None:
    """The engine does not wait for the API server, which takes 2 ms to read each of them."""
    chosen = plan(H100, promise(30), Mix(4, 64))
    assert chosen.shortfalls == ()
    assert chosen.binding is Binding.API_SERVER


@pytest.mark.parametrize("itl_ms", [20, 21, 25, 30, 40, 50, 60])
def test_512_tokens_are_chosen_where_they_were_measured_to_be_best(itl_ms: float) -> None:
    assert plan(H100, promise(itl_ms), CHAT).tokens == 512


def test_a_loose_promise_leaves_a_large_budget() -> None:
    assert plan(H100, promise(300), CHAT).tokens >= 2048


@pytest.mark.parametrize("mix", [CHAT, Mix(3000, 128, 0.1), ASSUMED])
def test_the_budget_of_the_start_stays_where_no_gap_is_promised_and_no_other_serves_more(mix: Mix) -> None:
    assert plan(H100, promise(None), mix).tokens == H100.start.max_num_batched_tokens


def test_the_predicted_rate_is_near_the_measured_one() -> None:
    """46 a second held under 512 tokens, and 48 fell behind (docs/h100.md)."""
    assert plan(H100, promise(30), CHAT).rate_per_second == pytest.approx(46, rel=0.05)


def test_gaps_bind_where_a_larger_budget_would_serve_more() -> None:
    assert plan(H100, promise(30), CHAT).binding is Binding.GAPS
    assert plan(H100, promise(None), CHAT).binding is not Binding.GAPS


def test_the_kv_cache_binds_long_answers_and_caps_the_sequences() -> None:
    chosen = plan(H100, promise(400), Mix(1000, 7000, 0.1))
    assert chosen.binding is Binding.KV_CACHE
    assert chosen.kv_cache_requests - 16 < chosen.sequences <= chosen.kv_cache_requests


def test_the_kv_cache_does_not_cap_requests_that_nobody_knows_and_limits_their_rate() -> None:
    assumed, known = (plan(H100, promise(None), replace(ASSUMED, is_assumed=each)) for each in (True, False))
    assert known.sequences < assumed.sequences == H100.start.max_num_seqs
    assert (assumed.rate_per_second, assumed.binding) == (known.rate_per_second, Binding.KV_CACHE)


def test_a_tight_first_token_binds() -> None:
    assert plan(H100, promise(None, 100), Mix(3000, 20, 1.0)).binding is Binding.FIRST_TOKEN


def test_a_promise_that_no_limits_keep_is_told_with_the_least_gap() -> None:
    chosen = plan(H100, promise(10), CHAT)
    (shortfall,) = chosen.shortfalls
    assert shortfall.objective.metric is Metric.ITL
    assert 0.005 < (shortfall.decoding_seconds or 0) < 0.010 < shortfall.least_seconds < 0.015
    assert plan(H100, promise(1000 * shortfall.least_seconds / 0.89), CHAT).shortfalls == ()


def test_a_first_token_that_comes_too_late_in_an_idle_engine_is_told() -> None:
    chosen = plan(H100, promise(None, 50), Mix(4000, 100))
    (shortfall,) = chosen.shortfalls
    assert shortfall.objective.metric is Metric.TTFT
    assert shortfall.least_seconds > 0.045
    assert chosen.rate_per_second == 0


def test_a_promise_that_is_kept_without_reserve_is_said_to_be() -> None:
    least = plan(H100, promise(10), CHAT).shortfalls[0].least_seconds
    chosen = plan(H100, promise(1000 * least / 0.95), CHAT)
    assert not chosen.has_reserve
    assert chosen.rate_per_second > 0


def test_where_nothing_keeps_the_promise_the_limits_keep_the_least_that_there_is() -> None:
    least = plan(H100, promise(10), CHAT).shortfalls[0].least_seconds
    hopeless, least_promise = plan(H100, promise(10), CHAT), plan(H100, promise(1000 * least / 0.89), CHAT)
    assert (hopeless.tokens, least_promise.shortfalls) == (least_promise.tokens, ())


def test_sequences_are_taken_away_where_the_smallest_budget_is_too_large() -> None:
    long_answers = Mix(2000, 6000, 0.1)
    chosen = plan(H100, promise(16), long_answers)
    assert chosen.tokens == BUDGETS[0]
    assert 1 < chosen.sequences < 64
    assert chosen.rate_per_second > 0


def test_an_end_to_end_promise_is_refused() -> None:
    with pytest.raises(ValueError, match="e2e cannot be planned for: promise itl or ttft"):
        plan(H100, parse_slo("e2e.p95=10s").objectives, CHAT)


def test_requests_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"more than max_model_len \(8192\)"):
        plan(H100, promise(), Mix(8000, 1000))
