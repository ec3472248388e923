"""One cycle, against a Prometheus on a socket that has the series of two engines."""

import json
from pathlib import Path

import pytest

from setpoint.prom.client import Prometheus
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Query
from setpoint.prom.scrape import MAX_QUERIES, scrape
from setpoint.prom.settings import PrometheusSettings
from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import NAMES, reading
from setpoint.signals.series import Series
from tests.prom.fake import AT_SECONDS, Behaviour, Handler, fake_prometheus, labelled, vector

METRICS = Path(__file__).parents[2] / "e2e" / "contract" / "vllm-metrics-0.32.txt"
PODS = [("team-a", "chat-1"), ("team-b", "chat-1")]


def having_engines(scraped_seconds: float = AT_SECONDS - 7) -> Behaviour:
    """Has what a real vLLM told, of two pods, as scraped at that time."""
    told = parse_exposition(METRICS.read_text(), NAMES)

    def behave(handler: Handler) -> None:
        query = handler.asked.parameters["query"]
        times = query.startswith("timestamp(")
        metric = query.removeprefix("timestamp(").partition("{")[0]
        samples = []
        for namespace, pod in PODS:
            target = {"namespace": namespace, "pod": pod, "setpoint_service": "chat", "job": "engines"}
            for series in told:
                if series.name == metric:
                    name = {} if times else {"__name__": metric}
                    value = scraped_seconds if times else series.value
                    samples.append(labelled({**name, **target, **series.labels}, repr(value)))
        handler.send(json.dumps(vector(*samples)).encode())

    return behave


def test_a_cycle_tells_of_every_pod_what_its_own_metrics_would() -> None:
    with (
        fake_prometheus(having_engines()) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
    ):
        told = scrape(prometheus, AT_SECONDS)
    assert sorted(told.pods) == PODS
    direct = reading(parse_exposition(METRICS.read_text(), NAMES), AT_SECONDS - 7)
    for pod in PODS:
        assert reading(told.pods[pod].series, told.pods[pod].at_seconds) == direct
    assert {told.pods[pod].service for pod in PODS} == {"chat"}


def test_a_cycle_is_of_one_moment_and_at_most_twenty_queries_for_all_services() -> None:
    with (
        fake_prometheus(having_engines()) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
    ):
        scrape(prometheus, AT_SECONDS)
    assert len(fake.asked) <= MAX_QUERIES == 20
    assert {asked.parameters["time"] for asked in fake.asked} == {f"{AT_SECONDS:.3f}"}


def test_a_cycle_asks_for_series_of_setpoints_pods_only() -> None:
    with (
        fake_prometheus(having_engines()) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
    ):
        scrape(prometheus, AT_SECONDS)
    assert all('{setpoint_service!=""}' in asked.parameters["query"] for asked in fake.asked)


def test_a_cycle_asks_first_and_last_when_the_pods_were_scraped() -> None:
    with (
        fake_prometheus(having_engines()) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
    ):
        scrape(prometheus, AT_SECONDS)
    times = [asked.parameters["query"].startswith("timestamp(") for asked in fake.asked]
    assert times == [True, *[False] * len(NAMES), True]


def test_one_query_without_an_answer_ends_the_cycle() -> None:
    healthy = having_engines()

    def behave(handler: Handler) -> None:
        if handler.asked.parameters["query"].startswith("vllm:kv_cache_usage_perc"):
            handler.send(b"{}", status=503)
        else:
            healthy(handler)

    with (
        fake_prometheus(behave) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
        pytest.raises(PrometheusError, match=r"vllm:kv_cache_usage_perc .*503"),
    ):
        scrape(prometheus, AT_SECONDS)


class Slow:
    """Takes ten seconds of its own clock for each query."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """No series."""
        del query, at_seconds
        self.seconds += 10
        return ()


def test_a_cycle_that_takes_too_long_is_given_up() -> None:
    slow = Slow()
    with pytest.raises(PrometheusError, match="30 s went by"):
        scrape(slow, AT_SECONDS, within_seconds=30, clock=lambda: slow.seconds)
    assert slow.seconds == 40


def test_more_metrics_than_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 20 queries"):
        scrape(Slow(), AT_SECONDS, names=[f"metric_{index}" for index in range(19)])
