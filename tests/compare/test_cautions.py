from decimal import Decimal
from typing import Any

import pytest

from setpoint.compare.cautions import cautions, notes
from setpoint.compare.cost import Price
from setpoint.loadgen.report import Capacity, Report
from tests.compare.builders import report, runs, stage


def said(*reports: Report, prices: tuple[Price, ...] = ()) -> str:
    return "\n".join(cautions(runs(*reports), prices))


def test_nothing_is_said_of_two_draws_of_the_same_work() -> None:
    assert said(report(), report(workload={"seed": 2}, started_at="2026-11-25T12:00:00Z")) == ""


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (
            {"workload": {"prompt_tokens": "fixed:9"}},
            "workload.prompt_tokens differs (A: uniform:256:768; B: fixed:9)",
        ),
        ({"workload": {"api": "chat"}}, "workload.api differs"),
        ({"workload": {"token_counts": "usage"}}, "workload.token_counts differs"),
        ({"model": "other"}, "target.model differs (A: llama-8b; B: other)"),
        (
            {"slo": None},
            "slo differs (A: itl.p95=60ms,ttft.p95=1s; B: none): goodput and sustainable rate are not",
        ),
        ({"itl_rule": "every-gap"}, "itl_rule differs"),
        ({"machine": "64 cores"}, "machine differs"),
        ({"complete": False}, "B: ended early"),
        ({"stages": []}, "B: no stage"),
        ({"notes": ["the tokenizer is a guess"]}, "B: the tokenizer is a guess"),
        ({"stages": [stage(clients=7)]}, "B: no load in common with A"),
        (
            {"stages": [stage(errors={"http_503": 60})]},
            "B: requests failed at 10 clients (10 %): latencies",
        ),
        (
            {"stages": [stage(invalid=["slow client"])]},
            "B: not judged: 10 clients (invalid: slow client).",
        ),
        ({"stages": [stage(tokens_per_chunk=4.0)]}, "B: several tokens came at once at 10 clients (4)"),
        (
            {"capacity": Capacity(rate_per_second=None, verdicts=["unclear"], told="too noisy", stages=[0])},
            "B: the capacity search could not tell: too noisy",
        ),
    ],
)
def test_what_figures_cannot_tell_is_said(other: dict[str, Any], expected: str) -> None:
    assert expected in said(report(), report(**other))


def test_runs_with_the_same_value_are_named_together() -> None:
    other = report(slo="itl.p95=30ms")
    assert "(A, C: itl.p95=60ms,ttft.p95=1s; B: itl.p95=30ms)" in said(report(), other, report())


def test_the_first_words_for_an_slo_stand_for_all_that_promise_the_same() -> None:
    turned, other = report(slo="ttft.p95=1s,itl.p95=60ms"), report(slo="itl.p95=60.00001ms,ttft.p95=1s")
    assert "(A, B: itl.p95=60ms,ttft.p95=1s; C: itl.p95=60.00001ms" in said(report(), turned, other)


def test_what_is_true_of_several_runs_is_said_once() -> None:
    cut = report(complete=False)
    assert said(report(), cut, cut) == "B, C: ended early, has what was measured until then."


def test_what_all_runs_note_is_no_caution_whatever_its_figures() -> None:
    same, other, own = "no usage", "words have {:.2f} tokens", "a sender died"
    noted = [report(notes=[same, other.format(tokens)]) for tokens in (1.02, 1.03)]
    noted[1] = noted[1].model_copy(update={"notes": [*noted[1].notes, own]})
    assert said(*noted) == "B: a sender died."
    assert list(notes(runs(*noted))) == [
        "A, B: no usage.",
        "A: words have 1.02 tokens.",
        "B: words have 1.03 tokens.",
    ]


def test_the_notes_of_a_single_run_are_no_cautions() -> None:
    alone = report(notes=["no tokenizer"])
    assert said(alone) == ""
    assert list(notes(runs(alone))) == ["A: no tokenizer."]


def test_one_price_for_different_gpus_is_said() -> None:
    price, dearer = (Price(Decimal(amount), "USD", 1) for amount in ("2.50", "4.10"))
    different = (report(settings={"gpu": "H100"}), report(settings={"gpu": "H200"}))
    assert "label gpu differs (A: H100; B: H200)" in said(*different, prices=(price, price))
    assert said(*different, prices=(price, dearer)) == ""
