from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.loadgen.estimates import BATCHES, Samples, latency, rate, share_beyond
from setpoint.loadgen.report import OpenEstimate

TRIALS = 100


def covered(estimates: Sequence[OpenEstimate], truth: float) -> float:
    held = [each.low <= truth and (each.high is None or truth <= each.high) for each in estimates]
    return sum(held) / len(held)


def independent(random: Random, count: int = 400) -> Samples:
    samples = Samples()
    for number in range(count):
        samples.add(random.expovariate(1.0), number, number * BATCHES // count)
    return samples


def by_request(random: Random, requests: int = 200, tokens: int = 20) -> Samples:
    """Tokens of one request are alike: its own level, around 10, explains half of the variance."""
    samples = Samples()
    for number in range(requests):
        level = random.gauss(10, 1)
        for _ in range(tokens):
            samples.add(level + random.gauss(0, 1), number, random.randrange(BATCHES))
    return samples


def by_moment(random: Random, requests: int = 400) -> Samples:
    """Requests of one moment are alike, as when one long step delays them all."""
    samples = Samples()
    levels = [random.gauss(10, 1) for _ in range(BATCHES)]
    for number in range(requests):
        batch = number * BATCHES // requests
        samples.add(levels[batch] + random.gauss(0, 1), number, batch)
    return samples


@pytest.mark.parametrize(
    ("make", "median"), [(independent, 0.6931), (by_request, 10.0), (by_moment, 10.0)], ids=str
)
def test_the_interval_of_a_quantile_holds_the_true_one(make, median: float) -> None:  # type: ignore[no-untyped-def]
    found = [latency(make(Random(trial))) for trial in range(TRIALS)]
    assert 0.9 <= covered([each.p50 for each in found if each], median) <= 1


def test_the_interval_of_a_high_quantile_holds_the_true_one() -> None:
    found = [latency(independent(Random(trial), 1000)) for trial in range(TRIALS)]
    assert 0.9 <= covered([each.p95 for each in found if each], 2.9957) <= 1


def test_tokens_of_few_requests_tell_less_than_as_many_independent_ones() -> None:
    few, many = by_request(Random(1), 20, 100), by_request(Random(1), 2000, 1)
    halves = [found.p50.value - found.p50.low for each in (few, many) if (found := latency(each))]
    assert halves[0] > 3 * halves[1]


def test_the_interval_of_a_rate_holds_the_true_one() -> None:
    def counts(random: Random) -> list[float]:
        return [float(sum(random.random() < 0.1 for _ in range(100))) for _ in range(BATCHES)]

    found = [rate(counts(Random(trial)), 20.0) for trial in range(TRIALS)]
    assert 0.9 <= covered(found, 10.0) <= 0.99


@given(
    st.lists(
        st.tuples(st.floats(0, 9), st.integers(0, 40), st.integers(0, BATCHES - 1)), min_size=1, max_size=200
    )
)
def test_an_interval_holds_its_value(seen: list[tuple[float, int, int]]) -> None:
    samples = Samples()
    for each in seen:
        samples.add(*each)
    found = latency(samples)
    assert found
    for quantile in (found.p50, found.p90, found.p95, found.p99):
        assert 0 <= quantile.low <= quantile.value
        assert quantile.high is None or quantile.value <= quantile.high <= max(samples.values)


def test_a_quantile_beyond_what_its_samples_can_bound_has_an_open_end() -> None:
    found = latency(independent(Random(3), 100))
    assert found
    assert found.p50.high is not None
    assert found.p99.high is None
    assert 0 < found.p99.low <= found.p99.value


def test_equal_tokens_bound_a_quantile_as_their_requests_would() -> None:
    def equal(requests: int) -> Samples:
        samples = Samples()
        for number in range(requests * 20):
            samples.add(1.0, number // 20, number % BATCHES)
        return samples

    few, many = latency(equal(100)), latency(equal(400))
    assert few
    assert many
    assert (few.p99.high, many.p99.high) == (None, 1.0)


def test_one_request_gives_no_certainty() -> None:
    samples = Samples()
    for value in (1.0, 2.0, 3.0):
        samples.add(value, 0, 0)
    found = latency(samples)
    assert found
    assert (found.p50.low, found.p50.high) == (0.0, None)


def failing(failed: Callable[[int], bool], offered: int = 400) -> Samples:
    samples = Samples()
    for number in range(offered):
        samples.add(float(failed(number)), number, number * BATCHES // offered)
    return samples


def test_no_failure_leaves_a_share_that_may_be_above_zero() -> None:
    found = share_beyond(failing(lambda _: False, 100), 0.0)
    # R's prop.test(0, 100, correct = FALSE) gives this interval.
    assert found
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0.0370), abs=5e-5)


def test_failures_in_a_burst_tell_less_than_as_many_here_and_there() -> None:
    apart = share_beyond(failing(lambda number: number % 20 == 0), 0.0)
    burst = share_beyond(failing(lambda number: number < 20), 0.0)
    assert apart
    assert burst
    assert apart.value == burst.value == pytest.approx(0.05)
    assert burst.high > 1.5 * apart.high
    assert burst.low < apart.low


def test_nothing_offered_has_no_share() -> None:
    assert share_beyond(Samples(), 0.0) is None


def test_no_event_leaves_a_rate_that_may_be_above_zero() -> None:
    found = rate([0.0] * BATCHES, 60.0)
    # exp(-3.689) is 2.5 %: Poisson's probability of none.
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 3.689 / 60), abs=1e-4)


def test_a_rate_is_not_known_better_than_by_one_event() -> None:
    found = rate([3.0] * BATCHES, 60.0)
    assert (found.low, found.high) == pytest.approx((59 / 60, 61 / 60))


def test_without_samples_there_is_no_latency() -> None:
    assert latency(Samples()) is None


def test_samples_in_clusters_are_worth_fewer_independent_ones() -> None:
    share = by_request(Random(1), 100, 50).share_within(10.0)
    assert share.count == 5000
    assert share.effective_count < 500
