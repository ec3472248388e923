from pathlib import Path

import setpoint
from setpoint.api import reasons
from setpoint.api.reasons import Reason


def test_every_reason_is_given_somewhere() -> None:
    sources = [
        path for path in Path(setpoint.__file__).parent.rglob("*.py") if path != Path(reasons.__file__)
    ]
    code = "".join(path.read_text() for path in sources)
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in code] == []


def test_a_reason_is_text_to_programs_and_has_a_meaning_for_people() -> None:
    assert Reason.ROUTABLE == "Routable"
    assert f"{Reason('ScaledToZero')}" == "ScaledToZero"
    assert all(reason.meaning.endswith(".") for reason in Reason)
