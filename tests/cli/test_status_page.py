"""The page about a service: what it says in each state, and that nothing can spoil it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.api.reasons import Reason
from setpoint.api.status import ConditionType
from setpoint.cli.status_facts import Facts
from setpoint.cli.status_objects import facts_of
from setpoint.cli.status_page import WIDTH, page
from tests.cli.status_pages import (
    CASES,
    FOLDER,
    MISSED,
    NOW_SECONDS,
    PODS,
    condition,
    facts,
    found,
    lost,
    pages,
    pod,
    steps_by_reason,
)

COMMAND = "    "


def test_every_page_is_what_is_written_now() -> None:
    held = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert held == pages(), "run `python -m tests.cli.status_pages`, and read what changed"


@pytest.mark.parametrize("name", CASES)
def test_a_page_fits_a_screen_and_has_its_five_parts_in_order(name: str) -> None:
    lines = page(facts(name)).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= WIDTH
    heads = [line.split("  ")[0] for line in lines[1:] if line and not line.startswith(" ")]
    assert heads == ["Serving", "Promise", "Limits", "Last hour", "Next"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_known_can_be_written_as_json(name: str) -> None:
    from setpoint.cli.status import as_json

    content = json.loads(as_json(facts(name)))
    assert content["is_well"] == facts(name).is_well


def test_colours_change_no_word_of_a_page() -> None:
    plain, coloured = page(facts("guarding")), page(facts("guarding"), colour=True)
    assert "\033[31mNOT KEPT" in coloured
    for code in ("\033[0m", "\033[1m", "\033[31m", "\033[32m", "\033[33m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


@pytest.mark.parametrize(
    ("kind", "status", "is_well"),
    [
        ("Ready", "False", False),
        ("SLOMet", "False", False),
        ("Ready", "Unknown", True),
        ("SLOMet", "Unknown", True),
        ("Tuning", "False", True),
        ("Progressing", "False", True),
    ],
)
def test_a_service_is_unwell_when_it_is_not_ready_or_its_promise_is_missed(
    kind: str, status: str, is_well: bool
) -> None:
    assert told(condition(kind, status, "SomeReason")).is_well is is_well


def test_each_reason_asks_for_a_step_but_those_after_which_nothing_has_to_be_done() -> None:
    asking = {line.split(":")[0] for line in steps_by_reason().splitlines() if not line.startswith(COMMAND)}
    assert set(Reason) - asking == {
        Reason.ACCEPTED,
        Reason.ROUTABLE,
        Reason.COMPLETE,
        Reason.NOT_ACCEPTED,  # Accepted asks for it
        Reason.MET,
        Reason.DISABLED,
        Reason.RECOMMENDING,
        Reason.GUARDING,
        Reason.HOLDING,
    }


def test_a_lost_signal_of_an_engine_names_it_and_the_query() -> None:
    text = page(told(*lost(f"{PODS[1]}: Prometheus has no series of it")))
    assert f'up{{namespace="team-a",pod="{PODS[1]}"}}' in " ".join(text.split())
    assert f"/api/v1/namespaces/team-a/pods/{PODS[1]}:8000/proxy/metrics" in text


def test_the_end_of_the_lease_is_told_by_the_pods_where_the_checkpoint_may_not_be_read() -> None:
    limits = {"generation": 5, "limits": {"tokens": 1024}, "expires": NOW_SECONDS + 600}
    of = found(pods=(pod(PODS[0], told=limits),), tuning={"wanted": {"maxNumBatchedTokens": 1024}})
    assert "lent until 03:10, for 10m more" in page(facts_of(of, NOW_SECONDS))


def test_a_pod_that_is_ready_and_gets_no_requests_is_not_routable() -> None:
    assert "ready, not in the Service" in page(facts_of(found(endpoint_slices=()), NOW_SECONDS))


def test_where_the_slices_may_not_be_read_a_ready_pod_counts_as_routable() -> None:
    of = found(endpoint_slices=(), unread={"endpointslices": "you may not"})
    assert [each.is_routable for each in facts_of(of, NOW_SECONDS).pods] == [True, True]


def test_a_reason_of_a_newer_operator_is_shown_as_it_is() -> None:
    text = page(told(condition("SLOMet", "Unknown", "Brandnew", "never heard of")))
    assert "Brandnew: never heard of" in text


@given(
    st.text(),
    st.text(min_size=1),
    st.sampled_from(list(ConditionType)),
    st.sampled_from(["True", "False", "No"]),
)
def test_nothing_that_others_write_steers_a_terminal_or_breaks_the_page(
    message: str, name: str, kind: str, status: str
) -> None:
    of = told(condition(kind, status, "Reason", message), MISSED)
    text = page(replace(of, name=name, model=message, recommendation=message))
    assert all(each.isprintable() or each == "\n" for each in text)
    assert all(len(line) <= WIDTH for line in text.splitlines() if not line.startswith(COMMAND))


@given(
    st.dictionaries(
        st.sampled_from(["objectives", "goodShare", "window", "wanted", "inForce", "start", "decisions"]),
        st.none(),
    ),
    st.sampled_from([None, "", "yesterday", "2026-11-28T02:00:00", "2026-11-28T02:00:00Z"]),
)
def test_what_is_absent_from_a_status_is_left_out(tuning: dict[str, None], time: str | None) -> None:
    of = condition("Ready", "True", "Routable") | {"lastTransitionTime": time}
    del of["message"], of["observedGeneration"]
    assert page(facts_of(found(of, tuning=dict(tuning)), NOW_SECONDS))


def told(*conditions: dict[str, object]) -> Facts:
    return facts_of(found(*conditions), NOW_SECONDS)
