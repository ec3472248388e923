from random import Random

import pytest

from setpoint.loadgen.estimates import BATCHES, Samples, latency, rate
from setpoint.loadgen.report import Estimate

TRIALS = 200


def covered(estimates: list[Estimate], truth: float) -> float:
    return sum(each.low <= truth <= each.high for each in estimates) / len(estimates)


def independent(random: Random, count: int = 400) -> Samples:
    samples = Samples()
    for number in range(count):
        samples.add(random.expovariate(1.0), number, number * BATCHES // count)
    return samples


def by_request(random: Random, requests: int = 200, tokens: int = 20) -> Samples:
    """Tokens of one request are alike: its own level explains half of the variance."""
    samples = Samples()
    for number in range(requests):
        level = random.gauss(0, 1)
        for _ in range(tokens):
            samples.add(level + random.gauss(0, 1), number, random.randrange(BATCHES))
    return samples


def by_moment(random: Random, requests: int = 400) -> Samples:
    """Requests of one moment are alike, as when one long step delays them all."""
    samples = Samples()
    levels = [random.gauss(0, 1) for _ in range(BATCHES)]
    for number in range(requests):
        batch = number * BATCHES // requests
        samples.add(levels[batch] + random.gauss(0, 1), number, batch)
    return samples


@pytest.mark.parametrize(
    ("make", "median"), [(independent, 0.6931), (by_request, 0.0), (by_moment, 0.0)], ids=str
)
def test_the_interval_of_a_quantile_holds_the_true_one(make, median: float) -> None:  # type: ignore[no-untyped-def]
    found = [latency(make(Random(trial))) for trial in range(TRIALS)]
    assert 0.9 <= covered([each.p50 for each in found if each], median) <= 1


def test_the_interval_of_a_high_quantile_holds_the_true_one() -> None:
    found = [latency(independent(Random(trial), 1000)) for trial in range(TRIALS)]
    assert 0.9 <= covered([each.p95 for each in found if each], 2.9957) <= 1


def test_tokens_of_few_requests_tell_less_than_as_many_independent_ones() -> None:
    few, many = by_request(Random(1), 20, 100), by_request(Random(1), 2000, 1)
    widths = [found.p50.high - found.p50.low for each in (few, many) if (found := latency(each))]
    assert widths[0] > 3 * widths[1]


def test_the_interval_of_a_rate_holds_the_true_one() -> None:
    def counts(random: Random) -> list[float]:
        return [float(sum(random.random() < 0.1 for _ in range(100))) for _ in range(BATCHES)]

    found = [rate(counts(Random(trial)), 20.0) for trial in range(TRIALS)]
    assert 0.9 <= covered(found, 10.0) <= 0.99


def test_an_interval_holds_its_value_and_values_that_were_seen() -> None:
    samples = independent(Random(3), 30)
    found = latency(samples)
    assert found
    for each in (found.p50, found.p90, found.p95, found.p99):
        assert min(samples.values) <= each.low <= each.value <= each.high <= max(samples.values)


def test_one_request_gives_no_certainty() -> None:
    samples = Samples()
    for value in (1.0, 2.0, 3.0):
        samples.add(value, 0, 0)
    found = latency(samples)
    assert found
    assert (found.p50.low, found.p50.high) == (1.0, 3.0)


def test_without_samples_there_is_no_latency() -> None:
    assert latency(Samples()) is None


def test_samples_in_clusters_are_worth_fewer_independent_ones() -> None:
    share = by_request(Random(1), 100, 50).share_within(0.0)
    assert share.count == 5000
    assert share.effective_count < 500
