"""Which rows are to be measured on the H100."""

import pytest

from benchmarks.h100.plan import START_SECONDS, STARTS, Cell, Start, chat, missing, timetable


def test_no_cell_asks_for_a_budget_that_the_plugin_would_raise() -> None:
    wanted = [cell.limits for start in STARTS for cell in start.cells if cell.limits]
    assert wanted
    assert all(limits["seqs"] <= limits["tokens"] for limits in wanted)


def test_cells_of_one_start_have_different_names() -> None:
    for start in STARTS:
        names = [cell.name for cell in start.cells]
        assert len(set(names)) == len(names)


def test_every_own_start_has_a_live_cell_of_the_same_limits_and_load() -> None:
    default, *own_starts = STARTS
    live = [(cell.load, cell.limits) for cell in default.cells]
    for own in own_starts:
        flags = dict(zip(own.flags[::2], own.flags[1::2], strict=True))
        limits = {"seqs": int(flags["--max-num-seqs"]), "tokens": int(flags["--max-num-batched-tokens"])}
        assert all((cell.load, limits) in live for cell in own.cells if cell.limits is None)


def test_what_has_a_row_is_not_measured_again() -> None:
    default = STARTS[0]
    first, second = default.cells[:2]
    found = missing({("default", first.name), ("own-512", second.name)})
    assert (default, first) not in found
    assert (default, second) in found


def test_starts_and_cells_can_be_chosen() -> None:
    default, own = STARTS[:2]
    assert missing(set(), (own.name, default.cells[1].name)) == [
        (default, default.cells[1]),
        (own, own.cells[0]),
    ]


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no start or cell is called chat-7-7: there are chat-"):
        missing(set(), ("chat-7-7",))


def test_the_timetable_counts_each_start_once_and_none_that_is_up() -> None:
    start, cell = Start("default", ()), chat(44, 512, 40)
    lines = timetable([(start, cell), (start, cell)])
    assert lines[0].split() == ["0", "s", "start", "default"]
    assert lines[-1].split() == [f"{START_SECONDS + 2 * cell.seconds:.0f}", "s", "done"]
    assert timetable([(start, cell)], "default")[-1].split() == [f"{cell.seconds:.0f}", "s", "done"]


def test_a_cell_takes_its_load_and_what_is_around_it() -> None:
    assert Cell("c", ("--duration", "50s")).load_seconds == 50
    assert Cell("c", ("--duration", "50s")).seconds > 50
