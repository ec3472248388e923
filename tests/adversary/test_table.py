"""What is told of the hours."""

from benchmarks.adversary.row import Row
from benchmarks.adversary.table import story, told


def row(seed: int, *, without: int = 10, tuned: int = 10, unfit_changes: int = 0) -> Row:
    """Return an hour whose second window has these bad requests, of 1000."""
    return Row(
        seed=seed,
        words="one engine",
        faults=("scale up at 3.0 min",),
        offered=(1000,) * 6,
        without=(0, without, 0, 0, 0, 0),
        tuned=(0, tuned, 0, 0, 0, 0),
        changes=1,
        unfit_changes=unfit_changes,
        log=("11.00 min Shed: start -> queuedTokens 9: why",),
    )


def test_a_window_is_worse_beyond_one_percent_of_its_requests() -> None:
    assert row(1, tuned=20).worse_windows == ()
    assert row(1, tuned=21).worse_windows == (1,)


def test_the_worst_hour_is_told_with_its_changes() -> None:
    text = told([row(1), row(2, tuned=50), row(3, tuned=90)], stories=1)
    assert "| with more than 1% more bad requests than without | 2 |" in text
    assert "| 3 | 10 to 20 | 1000 | 10 | 90 | 8.0 % | scale up at 3.0 min |" in text
    assert text.endswith(story(row(3, tuned=90)))
    assert "why" in text


def test_changes_on_unfit_data_are_told() -> None:
    text = told([row(1, unfit_changes=2)], stories=1)
    assert "| changes on data that were not OK | 2 |" in text
    assert "No window was worse." in text


def test_nothing_is_told_of_no_hour() -> None:
    assert told([], stories=1) == "There is no hour yet."
