"""Which pods are believed, and what of them."""

import math
from collections.abc import Iterable
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.prom.pods import PodSamples, Scrape, by_pod
from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import NAMES
from setpoint.signals.series import Series
from tests.signals.builders import EXPOSITION

RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
CHAT = ("team-a", "chat-1")


def series(
    name: str = RUNNING,
    value: float = 1.0,
    *,
    namespace: str = "team-a",
    pod: str = "chat-1",
    service: str = "chat",
    **labels: str,
) -> Series:
    """A series as the chart's scrape configuration labels it; an empty label is left out."""
    all_labels = {"namespace": namespace, "pod": pod, "setpoint_service": service, "job": "engines", **labels}
    return Series(name, {label: text for label, text in all_labels.items() if text}, value)


def sorted_by_pod(
    *answers: list[Series], before: list[Series] | None = None, after: list[Series] | None = None
) -> Scrape:
    """The series of these answers; each pod was scraped at 100 s, unless said otherwise."""
    default = [
        Series(RUNNING, each.labels, 100.0) for answer in answers for each in answer if each.name == RUNNING
    ]
    before = default if before is None else before
    after = before if after is None else after
    return by_pod(answers, scraped_before=before, scraped_after=after, at_seconds=110.0)


def test_each_pod_has_its_series_with_the_labels_of_the_engine() -> None:
    scrape = sorted_by_pod(
        [series(value=3, engine="0"), series(value=5, pod="chat-2")], [series(WAITING, engine="0")]
    )
    assert scrape.pods == {
        CHAT: PodSamples(
            "chat", 100.0, (Series(RUNNING, {"engine": "0"}, 3), Series(WAITING, {"engine": "0"}, 1))
        ),
        ("team-a", "chat-2"): PodSamples("chat", 100.0, (Series(RUNNING, {}, 5),)),
    }
    assert not scrape.faults


def test_no_label_by_which_an_engine_tells_its_series_apart_is_lost() -> None:
    told = parse_exposition(EXPOSITION, NAMES)
    scrape = sorted_by_pod([series(each.name, each.value, **each.labels) for each in told])
    assert not scrape.faults

    def identities(of: Iterable[Series]) -> list[tuple[str, list[tuple[str, str]]]]:
        # An empty label and none are one to Prometheus.
        return sorted((each.name, sorted(filter(itemgetter(1), each.labels.items()))) for each in of)

    assert identities(scrape.pods[CHAT].series) == identities(told)


def test_pods_of_one_name_in_two_namespaces_are_two() -> None:
    scrape = sorted_by_pod([series(value=1), series(value=2, namespace="team-b", service="mine")])
    assert scrape.pods[CHAT].series[0].value == 1
    assert scrape.pods["team-b", "chat-1"].series[0].value == 2


def test_series_that_do_not_say_whose_they_are_are_counted_and_left_out() -> None:
    scrape = sorted_by_pod([series(), series(namespace=""), series(pod="")])
    assert list(scrape.pods) == [CHAT]
    assert scrape.nameless == 2


def test_a_pod_that_is_scraped_twice_is_not_believed() -> None:
    scrape = sorted_by_pod(
        [series(job="engines"), series(job="all-pods", instance="10.0.0.1"), series(pod="ok")]
    )
    assert list(scrape.pods) == [("team-a", "ok")]
    assert "two series of vllm:num_requests_running" in scrape.faults[CHAT]
    assert "'all-pods'" in scrape.faults[CHAT]


def test_a_pod_that_is_scraped_while_it_is_asked_about_is_not_believed() -> None:
    scrape = sorted_by_pod([series()], before=[series(value=100.0)], after=[series(value=115.0)])
    assert not scrape.pods
    assert "just while" in scrape.faults[CHAT]


def test_a_pod_that_has_come_or_gone_while_it_was_asked_about_is_not_believed() -> None:
    for before, after in ([], [series(value=100.0)]), ([series(value=100.0)], []):
        assert "when it was scraped" in sorted_by_pod([series()], before=before, after=after).faults[CHAT]


@pytest.mark.parametrize("moment", [math.nan, math.inf, -1.0, 110.5])
def test_a_pod_scraped_at_no_time_that_can_be_is_not_believed(moment: float) -> None:
    assert CHAT in sorted_by_pod([series()], before=[series(value=moment)]).faults


def test_a_pod_of_two_services_or_of_none_is_not_believed() -> None:
    scrape = sorted_by_pod([series(), series(pod="other", service="")], [series(WAITING, service="embed")])
    assert "['chat', 'embed']" in scrape.faults[CHAT]
    assert "['']" in scrape.faults["team-a", "other"]


def test_a_pod_without_any_series_asked_for_is_not_there() -> None:
    scrape = sorted_by_pod([], before=[series(value=100.0)])
    assert not scrape.pods
    assert not scrape.faults


@given(
    st.lists(
        st.builds(
            Series,
            st.sampled_from([RUNNING, WAITING]),
            st.dictionaries(
                st.sampled_from(["namespace", "pod", "setpoint_service", "engine", "job"]),
                st.sampled_from(["", "a", "b"]),
            ),
            st.floats(),
        )
    )
)
def test_whatever_comes_each_series_is_of_one_pod_or_nameless(answer: list[Series]) -> None:
    scrape = sorted_by_pod(answer)
    assert not scrape.pods.keys() & scrape.faults.keys()
    named = [each for each in answer if each.labels.get("namespace") and each.labels.get("pod")]
    assert scrape.nameless == len(answer) - len(named)
    assert {(each.labels["namespace"], each.labels["pod"]) for each in named} == {
        *scrape.pods,
        *scrape.faults,
    }
