import json
from pathlib import Path

import setpoint
from setpoint.api import reasons
from setpoint.api.reasons import Reason

PACKAGE = Path(setpoint.__file__).parent


def test_every_reason_is_given_somewhere() -> None:
    code = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path != Path(reasons.__file__))
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in code] == []


def test_a_reason_is_plain_text_to_programs_and_has_a_meaning_for_people() -> None:
    assert json.dumps(Reason.ROUTABLE) == '"Routable"'
    assert f"{Reason.SCALED_TO_ZERO}" == "ScaledToZero"
    assert all(reason.meaning.endswith(".") for reason in Reason)
