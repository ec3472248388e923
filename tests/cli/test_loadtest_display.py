import errno
import io
import os

from setpoint.cli.loadtest_display import Display
from setpoint.loadgen.hold import Progress
from setpoint.loadgen.measure import measure
from setpoint.loadgen.report import ClosedLoop
from tests.loadgen.builders import a_record, held

GOING = Progress(ClosedLoop(clients=10), 12.0, 60.0, answered=34, failed=1, under_way=10)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over() -> None:
    terminal = Terminal()
    display = Display(terminal, lambda: 0.0)
    display.progress(GOING)
    display.progress(GOING)
    display.note("be careful")
    text = "10 clients: 12 of 60 s, 34 answered, 10 under way, 1 failed"
    assert terminal.getvalue() == f"\r\033[K{text}\r\033[K{text}\r\033[Knote: be careful\n"


def test_elsewhere_a_line_comes_now_and_then_without_control_characters() -> None:
    file = io.StringIO()
    times = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    display = Display(file, lambda: next(times))
    for _ in range(3):
        display.progress(GOING)
    assert file.getvalue().splitlines() == ["10 clients: 12 of 60 s, 34 answered, 10 under way, 1 failed"]


def test_a_stage_is_told_with_what_is_wrong_with_it() -> None:
    file = io.StringIO()
    late = [a_record(number, number / 10, sent=number / 10 + 0.1) for number in range(600)]
    Display(file, lambda: 0.0).stage(measure(held(late, load=ClosedLoop(clients=1)), None))
    first, second = file.getvalue().splitlines()
    assert first.startswith("1 client: req/s 10")
    assert first.endswith("INVALID")
    assert "sent 100.0 ms late" in second


def test_a_probe_is_marked_and_what_its_figures_do_not_show_is_told() -> None:
    file = io.StringIO()
    waiting = [a_record(0, 0.0, ttft=None, under_way=True)]
    stage = measure(held(waiting, 12.0, load=ClosedLoop(clients=1)), None, probe=True)
    Display(file, lambda: 0.0).stage(stage)
    first, second = file.getvalue().splitlines()
    assert "probe" in first.rpartition("errors 0")[2]
    assert second.startswith("  no request ended in the window: 1 was under way at its end")


class Full(io.StringIO):
    def write(self, text: str) -> int:  # noqa: ARG002
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_output_that_takes_nothing_ends_no_load_test() -> None:
    Display(Full(), lambda: 0.0).note("be careful")
