"""What both controllers' conditions have in common."""

from setpoint.api.status import ConditionStatus, ConditionType
from setpoint.controllers.report import MESSAGE_MAX_LENGTH, conditions, own_conditions
from setpoint.controllers.subject import Subject
from setpoint.kube.objects import Object

NOW = "2026-11-28T22:00:00Z"
STANDS = {
    "type": "SLOMet",
    "status": "False",
    "reason": "Missed",
    "lastTransitionTime": "2026-11-28T21:00:00Z",
}


def subject(*stand: Object) -> Subject:
    metadata = {"namespace": "team-a", "name": "chat", "uid": "1", "generation": 3}
    return Subject({"metadata": metadata, "status": {"conditions": list(stand)}})


def told(message: str) -> str:
    found = {ConditionType.SLO_MET: (ConditionStatus.FALSE, "Missed", message)}
    (condition,) = conditions(found, subject(), now=NOW)
    return condition.message


def test_what_others_put_into_a_message_shows_no_credentials() -> None:
    assert "hf_abcdefghijklmnopqrstuvwxyz0123" not in told("Prometheus: hf_abcdefghijklmnopqrstuvwxyz0123")


def test_a_message_is_cut_where_it_is_too_long() -> None:
    assert told("x" * (MESSAGE_MAX_LENGTH + 1)) == "x" * (MESSAGE_MAX_LENGTH - 3) + "..."


def test_the_time_of_a_transition_stays_while_the_status_does() -> None:
    for status, time in ((ConditionStatus.FALSE, STANDS["lastTransitionTime"]), (ConditionStatus.TRUE, NOW)):
        (condition,) = conditions({ConditionType.SLO_MET: (status, "Met", "")}, subject(STANDS), now=NOW)
        assert condition.last_transition_time == time


def test_without_a_condition_of_its_own_a_part_of_the_status_has_none() -> None:
    assert own_conditions({"conditions": [STANDS]}, {"Ready"}) == {}
    assert own_conditions({"conditions": [STANDS]}, {"SLOMet"}) == {"conditions": [STANDS]}
