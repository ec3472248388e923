"""TuningCheckpoints before Python and before a real API server: the same verdict, at the same field."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from setpoint.api.tuningcheckpoint import STATE_MAX_LENGTH, TuningCheckpoint
from setpoint.cli.explain import path_text
from tests.api.kubectl import Admission, Kubectl
from tests.apiserver import ApiServer

_LESS = "must be at most maxNumBatchedTokens"


def checkpoint(**spec: Any) -> dict[str, Any]:
    """Return a TuningCheckpoint."""
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "TuningCheckpoint",
        "metadata": {"name": "chat", "namespace": "default"},
        "spec": spec,
    }


REFUSED = [
    *(
        (checkpoint(limits={name: value}), f"spec.limits.{name}", "")
        for name in ("maxNumBatchedTokens", "maxNumSeqs", "maxQueuedTokens")
        for value in (0, -1, 2**31, 1.5)
    ),
    (checkpoint(limits={"maxNumBatchedTokens": 64, "maxNumSeqs": 65}), "spec.limits.maxNumSeqs", _LESS),
    *((checkpoint(expires=text), "spec.expires", "") for text in ("", "soon", "2026-02-30T00:00:00Z")),
    (checkpoint(state="x" * (STATE_MAX_LENGTH + 1)), "spec.state", ""),
    (checkpoint(state={}), "spec.state", ""),
    ({**checkpoint(), "spec": None}, "spec", ""),
]
ACCEPTED = [
    checkpoint(),
    checkpoint(limits={}),
    checkpoint(limits={"maxNumBatchedTokens": 64, "maxNumSeqs": 64, "maxQueuedTokens": 1}),
    checkpoint(limits={"maxNumSeqs": 2**31 - 1}, expires="2026-01-31T12:00:00Z"),
    checkpoint(state="\u2028" * STATE_MAX_LENGTH),
]


def python_faults(submitted: dict[str, Any]) -> list[tuple[str, str]]:
    """Return field and message of each fault that the model finds."""
    try:
        TuningCheckpoint.model_validate(submitted)
    except ValidationError as error:
        return [(path_text(each["loc"]), each["msg"]) for each in error.errors()]
    return []


@pytest.fixture(scope="session")
def checkpoints(api_server: ApiServer, kubectl: Kubectl) -> Admission:
    """Plain requests about TuningCheckpoints."""
    return Admission(api_server, "tuningcheckpoints")


@pytest.mark.parametrize(("submitted", "field", "message"), REFUSED)
def test_python_refuses_what_breaks_a_rule(submitted: dict[str, Any], field: str, message: str) -> None:
    assert any(told == field and message in words for told, words in python_faults(submitted))


@pytest.mark.parametrize("submitted", ACCEPTED)
def test_python_accepts_what_breaks_none(submitted: dict[str, Any]) -> None:
    assert python_faults(submitted) == []


@pytest.mark.apiserver
@pytest.mark.parametrize(("submitted", "field", "message"), REFUSED)
def test_api_server_refuses_what_breaks_a_rule(
    submitted: dict[str, Any], field: str, message: str, checkpoints: Admission
) -> None:
    answer = checkpoints.create(submitted)
    assert not answer.accepted
    assert any(told == field and message in words for told, words in answer.causes), answer.causes


@pytest.mark.apiserver
@pytest.mark.parametrize("submitted", ACCEPTED)
def test_api_server_accepts_what_breaks_none(submitted: dict[str, Any], checkpoints: Admission) -> None:
    answer = checkpoints.create(submitted)
    assert answer.accepted, answer.causes


@pytest.mark.apiserver
def test_the_definition_is_established_and_structural(kubectl: Kubectl) -> None:
    status = json.loads(kubectl("get", "crd/tuningcheckpoints.setpoint.dev", "-o", "json"))["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.apiserver
def test_kubectl_get_shows_the_limits_and_their_lease(kubectl: Kubectl) -> None:
    limits = {"maxNumBatchedTokens": 512, "maxQueuedTokens": 22000}
    submitted = checkpoint(limits=limits, expires="2026-01-31T12:00:00Z")
    kubectl("create", "-f", "-", stdin=json.dumps(submitted))
    try:
        header, row = kubectl("get", "tuningcheckpoints").splitlines()
        assert header.split() == ["NAME", "TOKENS", "SEQS", "QUEUED", "EXPIRES", "AGE"]
        assert row.split()[:4] == ["chat", "512", "22000", "2026-01-31T12:00:00Z"]
    finally:
        kubectl("delete", "tuningcheckpoint", "chat")


@pytest.mark.apiserver
def test_deleting_all_leaves_what_was_learned(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(checkpoint()))
    try:
        assert "tuningcheckpoint" not in kubectl("get", "all", "-o", "name")
        assert "tuningcheckpoint.setpoint.dev/chat" in kubectl("get", "setpoint", "-o", "name")
    finally:
        kubectl("delete", "tuningcheckpoint", "chat")
