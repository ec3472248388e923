"""Arms held against the best static settings, and where the tuner loses."""

from benchmarks.tuner.comparison import Spread, best_single, comparisons, losses
from benchmarks.tuner.table import told
from tests.tuner_sweep.builders import a_row

LONG = "long prompts"
ROWS = [
    a_row("default", 10, bad=5),
    a_row("static 512", 40),
    a_row("static 1024", 30),
    a_row("setpoint", 20, bad=9),
    a_row("default", 8, load=LONG),
    a_row("static 512", 7, load=LONG),
    a_row("static 1024", 9, load=LONG),
    a_row("setpoint", 9, load=LONG),
]


def test_the_oracle_is_the_best_static_setting_of_each_case() -> None:
    chat, long = comparisons(ROWS)
    assert (chat.oracle, long.oracle) == ("static 512", "static 1024")
    assert chat.share("setpoint") == Spread(0.5, 0.5, 0.5)
    assert chat.share("setpoint", of="default") == Spread(2, 2, 2)


def test_shares_are_of_the_same_seed() -> None:
    rows = [
        *(a_row("static 512", rate, seed=seed) for seed, rate in enumerate((10, 20, 40))),
        *(a_row("setpoint", rate, seed=seed) for seed, rate in enumerate((10, 10, 40))),
    ]
    assert comparisons(rows)[0].share("setpoint") == Spread(1, 0.5, 1)


def test_the_best_single_setting_has_the_highest_mean_share() -> None:
    assert best_single(comparisons(ROWS)) == "static 512"


def test_a_promise_that_no_setting_keeps_has_no_share() -> None:
    rows = [a_row("static 512", 0), a_row("setpoint", 0)]
    assert comparisons(rows)[0].share("setpoint") is None
    assert best_single(comparisons(rows)) is None


def test_each_loss_is_named() -> None:
    lost = losses(comparisons(ROWS), "setpoint")
    assert [(each.key[0], each.what, each.other) for each in lost] == [
        ("chat", "sustainable rate", "static 512"),
        ("chat", "bad requests", "static 512"),
        ("chat", "bad requests", "default"),
    ]
    assert losses(comparisons(ROWS), "aimd") == []


def test_all_that_was_run_is_told() -> None:
    text = told(ROWS)
    assert "| chat | itl 30 ms, ttft 1 s | 10.0 | 40.0 | 30.0 | 20.0 | static 512 | 4.00 | 2.00 |" in text
    assert "Best single static setting: static 512." in text
