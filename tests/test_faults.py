"""A fault reads as one line: where, what, why, and what would help."""

from setpoint.api.reasons import Reason
from setpoint.faults import Fault


def fault(value: str) -> str:
    return str(Fault("spec.engine.args[2]", value, "is taken: use another", Reason.REJECTED))


def test_a_fault_is_one_line_whatever_the_value_holds() -> None:
    assert fault("a\nb'") == """spec.engine.args[2]: "a\\nb'" is taken: use another"""


def test_a_fault_without_a_value_names_none() -> None:
    assert fault("") == "spec.engine.args[2]: is taken: use another"


def test_a_long_value_is_cut() -> None:
    assert len(fault("x" * 10_000)) < 200
