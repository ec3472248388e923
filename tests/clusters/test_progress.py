from io import StringIO

from e2e.clusters.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_lines_are_plain_and_rare() -> None:
    stream = StringIO()
    progress = Progress("build", stream)
    for number in range(100):
        progress.update(f"{number} %")
    progress.finish("done")
    lines = stream.getvalue().splitlines()
    assert [line.rsplit(",", 1)[0] for line in lines] == ["build: 0 %", "build: done"]


def test_on_a_terminal_one_line_is_written_over() -> None:
    stream = Terminal()
    progress = Progress("build", stream)
    progress.update("a long line")
    progress.finish("done")
    assert stream.getvalue().count("\n") == 1
    first, last = stream.getvalue().rstrip("\n").split("\r")[1:]
    assert len(last) >= len(first)
