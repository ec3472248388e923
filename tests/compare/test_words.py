from decimal import Decimal

import pytest

from setpoint.compare import words
from setpoint.compare.cost import Cost
from setpoint.compare.differences import Difference
from setpoint.loadgen.report import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.012345, "0.0123"),
        (1.2, "1.2"),
        (12.34, "12.3"),
        (99.96, "100"),
        (123.4, "123"),
        (12345.6, "12346"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert words.number(value) == text
    assert words.number(-value) == (f"-{text}" if value else text)


def test_tiny_numbers_have_no_exponent() -> None:
    assert words.number(0.0000012) == "0.0000012"


def test_an_estimate_has_its_bounds() -> None:
    assert words.estimate(Estimate(value=412.3, low=398.1, high=430.9)) == "412 [398, 431]"
    assert words.estimate(None) == "-"


def test_a_difference_is_in_percent_of_the_first() -> None:
    first = Estimate(value=200, low=190, high=210)
    assert words.percent(Difference(-15, -20, 4), first) == ("-7.5", " [-10.0, +2.0]")
    assert words.percent(Difference(5, 1, 9), Estimate(value=0, low=0, high=1)) == ("-", "")


@pytest.mark.parametrize(("amount", "text"), [("0.10961", "0.110"), ("1.5", "1.5"), ("1234.5678", "1235")])
def test_money_has_three_significant_digits(amount: str, text: str) -> None:
    assert words.money(Decimal(amount)) == text


def test_a_cost_has_its_currency_and_bounds() -> None:
    assert words.cost(Cost(Decimal("0.5"), Decimal("0.25"), None), "EUR") == "0.5 EUR [0.25, -]"


def test_what_could_steer_a_terminal_is_written_out() -> None:
    assert words.printable("gp\x1b[31mt\u202e\n") == r"gp\x1b[31mt\u202e\n"
    assert words.printable("Größe 模型 🚀") == "Größe 模型 🚀"
