import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from setpoint.cli import compare as command
from tests.cli.conftest import Run
from tests.compare.builders import a_ladder, report, stage, written

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two reports in the current folder: a.json, and b.json that is faster."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, a_ladder(), a_ladder(faster=1.2))
    return ["a.json", "b.json"]


def test_a_table_is_printed_without_colour_where_there_is_no_terminal(run: Run, reports: list[str]) -> None:
    ended = run("compare", *reports)
    assert (ended.status, ended.err) == (0, "")
    assert "B against A: 100 clients" in ended.out
    assert "\x1b" not in ended.out


def test_markdown_is_printed(run: Run, reports: list[str]) -> None:
    assert run("compare", *reports, "--format", "markdown").out.startswith("# Load tests compared: A, B\n")


def test_a_price_gives_the_cost(run: Run, reports: list[str]) -> None:
    ended = run("compare", *reports, "--price-per-gpu-hour", "2.50", "--currency", "EUR", "--gpus", "2")
    assert "A: 2 x 2.50 EUR a GPU hour" in ended.out
    assert "Cost per million tokens" in ended.out
    assert "Cost per million tokens" not in run("compare", *reports).out


def test_each_report_may_have_its_own_price_and_gpus(run: Run, reports: list[str]) -> None:
    out = run("compare", *reports, "--price-per-gpu-hour", "2.50,4.10", "--gpus", "2,1").out
    assert "A: 2 x 2.50 USD a GPU hour" in out
    assert "B: 1 x 4.10 USD a GPU hour" in out


def test_a_page_is_written_beside_the_table(run: Run, reports: list[str]) -> None:
    ended = run("compare", *reports, "--html", "page.html")
    assert ended.status == 0
    assert "B against A" in ended.out
    assert Path("page.html").read_text().startswith("<!doctype html>")


def test_the_page_is_the_same_in_another_process(reports: list[str]) -> None:
    """Of another hash seed, time zone and language."""
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from setpoint.cli import main; main()",
                "compare",
                *reports,
                "--html",
                f"{seed}.html",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONHASHSEED": seed, "TZ": zone},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    assert Path("1.html").read_bytes() == Path("2.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("none.json", "none.json: cannot be read"),
        ("a.json --html .", "--html: .: is a folder"),
        ("a.json --html no/page.html", "--html: no/page.html: there is no folder no"),
        ("a.json --html ./a.json", "--html: a.json: is one of the reports"),
        ("a.json b.json --price-per-gpu-hour 1,2,3", "--price-per-gpu-hour: has 3 values for 2 reports"),
        ("a.json b.json --price-per-gpu-hour 1 --gpus 1,2,3", "--gpus: has 3 values for 2 reports"),
        ("a.json --gpus 2", "--gpus: counts only with a price"),
        ("a.json --currency USD", "--currency: counts only with a price"),
        ("a.json --price-per-gpu-hour 0", "'0' is not a price"),
        ("a.json --price-per-gpu-hour nan", "'nan' is not a price"),
        ("a.json --price-per-gpu-hour 2,50,", "'' is not a price"),
        ("a.json --price-per-gpu-hour 1 --gpus 0", "'0' is not a number of GPUs"),
        ("a.json --price-per-gpu-hour 1 --currency $", "'$' is not a currency"),
        ("a.json --format yaml", "invalid choice"),
        ("", "REPORT.json"),
    ],
)
def test_what_is_wrong_ends_with_status_2_and_prints_nothing(
    run: Run, reports: list[str], arguments: str, said: str
) -> None:
    ended = run("compare", *arguments.split())
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_closed_output_is_said_in_a_line(
    run: Run, reports: list[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as Python has it after >&-
    ended = run("compare", *reports, "--format", form)
    assert (ended.status, ended.err) == (
        2,
        "standard output is closed: open it, if only as > /dev/null\n",
    )


def test_a_page_that_cannot_be_written_is_told_before_reports_are_read(run: Run, reports: list[str]) -> None:
    assert "no folder" in run("compare", "none.json", "--html", "no/page.html").err


@pytest.mark.parametrize(
    ("missing", "flags"), [("rich", ()), ("matplotlib", ("--format", "markdown", "--html", "page.html"))]
)
def test_a_missing_extra_is_told_with_how_to_install_it(
    run: Run, reports: list[str], monkeypatch: pytest.MonkeyPatch, missing: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == missing else find_spec(name))
    ended = run("compare", *reports, *flags)
    assert ended.status == 2
    assert re.search(rf"needs {missing}: pip install 'setpoint\[compare\]'", ended.err)
    assert not Path("page.html").exists()


def test_markdown_needs_nothing_that_is_extra(reports: list[str]) -> None:
    script = (
        "import sys; sys.modules.update(rich=None, matplotlib=None); from setpoint.cli import main; "
        "sys.exit(main(['compare', 'a.json', 'b.json', '--format', 'markdown']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_of_a_stage_without_answers_can_be_compared(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    silent = stage(tokens=0, errors={"connection": 600}, slo_met=False)
    silent = silent.model_copy(update=dict.fromkeys(("ttft", "itl", "tpot", "e2e")))
    paths = written(tmp_path, report(silent), report())
    ended = run("compare", *paths, "--html", "page.html", "--price-per-gpu-hour", "1")
    assert ended.status == 0
    assert "requests failed at 10 clients (100 %)" in ended.out
