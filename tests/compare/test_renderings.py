"""What the three renderers have in common, and what each has to keep apart."""

import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from setpoint.compare.comparison import Comparison, Verdict, compare
from setpoint.compare.cost import Price
from setpoint.compare.document import document, verdict_of
from setpoint.compare.markdown import markdown
from setpoint.compare.page import page
from setpoint.compare.terminal import terminal
from setpoint.loadgen.report import Replay
from tests.compare.builders import a_ladder, estimate, latency, report, runs, stage

HOSTILE = "<script>alert(1)</script>|`[x](javascript:y)`[bold]$x^2$ \x1b[31m{{ 7*7 }}</svg>"
Render = Callable[[Comparison], str]


def table(comparison: Comparison) -> str:
    return terminal(document(comparison), width=100, colour=False)


def as_markdown(comparison: Comparison) -> str:
    return markdown(document(comparison))


RENDERERS = pytest.mark.parametrize("render", [table, as_markdown, page])


def two_ladders() -> Comparison:
    first = a_ladder(settings={"max-num-seqs": "256"}, sustainable_rate=estimate(40))
    second = a_ladder(faster=1.2, settings={"max-num-seqs": "512"}, sustainable_rate=estimate(50))
    return compare(runs(first, second), [Price(Decimal("2.50"), "USD", 1)] * 2)


@RENDERERS
def test_every_rendering_tells_all_of_it(render: Render) -> None:
    text = re.sub(r"\s+", " ", render(two_ladders()).replace("\\", ""))
    for told in (
        "sweet spot",
        "max-num-seqs=256",
        "2.50 USD a GPU hour",
        "sustainable rate/s",
        "B against A: capacity search",
        "B against A: 100 clients",
        "TTFT p99, ms",
        "better",
        "not judged",
        "Benjamini",
    ):
        assert told.lower() in text.lower(), told


@RENDERERS
def test_a_note_of_all_runs_is_told_quietly(render: Render) -> None:
    rendered = render(compare(runs(*[a_ladder(notes=["no tokenizer"])] * 2)))
    told = re.sub(r"\s+", " ", rendered)
    assert "Note: A, B: no tokenizer." in told
    assert not re.search(r"caution\W+(</strong>)?\W*A, B: no tokenizer", told, re.IGNORECASE)


@RENDERERS
def test_the_same_reports_give_the_same_bytes(render: Render) -> None:
    assert render(two_ladders()) == render(two_ladders())


@RENDERERS
def test_text_of_a_report_cannot_steer_what_shows_it(render: Render) -> None:
    recorded = Replay(rate_per_second=3, trace=HOSTILE, speed=1)
    rendered = render(
        compare(
            runs(
                report(model=HOSTILE, settings={HOSTILE: HOSTILE}, notes=[HOSTILE]),
                report(stage(invalid=[HOSTILE]), model="other", settings={HOSTILE: "7"}),
                report(stage(load=recorded, slo_met=False, unmet=[HOSTILE])),
            )
        )
    )
    assert "\x1b" not in rendered
    if render is page:
        assert "<script" not in rendered
    if render is as_markdown:
        assert r"\<script\>" in rendered
        assert not re.search(r"(?<!\\)[`<$]", rendered)


def test_the_title_of_a_plot_shows_no_control_character_of_a_trace() -> None:
    recorded = stage(load=Replay(rate_per_second=3, trace=HOSTILE, speed=1))
    swept = [report(recorded, settings={"seqs": seqs}) for seqs in ("1", "2")]
    assert "\x1b" not in page(compare(runs(*swept)))


@RENDERERS
def test_one_run_alone_can_be_shown(render: Render) -> None:
    assert "Sweet spots" in render(compare(runs(report())))


@RENDERERS
def test_a_run_without_stages_can_be_shown(render: Render) -> None:
    assert "B: no stage" in render(compare(runs(report(), report(stages=[]))))


@RENDERERS
def test_a_verdict_on_latencies_tells_in_its_cell_that_requests_failed(render: Render) -> None:
    failed = [report(stage(ttft=ttft, errors={"http_503": 60})) for ttft in (0.4, 0.1)]
    for runs_compared, told in (
        (runs(*failed), "better (some failed)"),
        (runs(report(), failed[1]), "not judged (B failed more)"),
    ):
        rendered = render(compare(runs_compared)).replace("\\", "")
        assert told in re.sub(r"\s+", " ", rendered)


def test_a_verdict_keeps_its_colour_with_a_remark() -> None:
    failed = [report(stage(ttft=ttft, errors={"http_503": 60})) for ttft in (0.4, 0.1)]
    assert '<td class="better">better (some failed)</td>' in page(compare(runs(*failed)))
    assert verdict_of("-75.0 better (some failed)") is Verdict.BETTER
    assert verdict_of("a model that is better") is None


@RENDERERS
def test_an_open_end_is_shown_as_missing(render: Render) -> None:
    few = report(stage().model_copy(update={"ttft": latency(0.2, open_p99=True)}))
    rendered = render(compare(runs(few, few))).replace("\\", "")
    assert "300 [294, -]" in rendered
    assert "not judged (no upper bound)" in re.sub(r"\s+", " ", rendered)


def test_no_line_of_the_table_is_wider_than_asked_for() -> None:
    long_names = report(model="m" * 300, settings={"k" * 90: "v" * 90})
    for comparison in (two_ladders(), compare(runs(long_names, long_names))):
        for line in table(comparison).splitlines():
            assert cell_len(line) <= 100


def test_the_table_of_figures_fits_100_columns_without_wrapping() -> None:
    lines = table(two_ladders()).splitlines()
    for figure in ("E2E p99, ms", "output tokens/s"):
        assert any(line.startswith(figure) and line.endswith("better") for line in lines)


def test_the_table_is_coloured_only_when_asked() -> None:
    shown = document(two_ladders())
    assert "\x1b[32m" in terminal(shown, width=100, colour=True)
    assert "\x1b" not in terminal(shown, width=100, colour=False)


def test_rows_of_markdown_have_as_many_cells_as_their_header() -> None:
    counts = {
        len(re.findall(r"(?<!\\)\|", line))
        for line in as_markdown(two_ladders()).splitlines()
        if "Figure" in line
    }
    assert counts == {6}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_needs_nothing_from_elsewhere() -> None:
    outline = Outline(page(two_ladders()))
    assert not {"script", "link", "img", "iframe", "object"} & set(outline.tags)
    references = [value for name, value in outline.attributes if name in ("src", "href", "xlink:href")]
    assert references
    assert all(value and value.startswith("#") for value in references)


def test_ids_of_the_page_are_unique_and_every_reference_meets_one() -> None:
    text = page(two_ladders())
    attributes = Outline(text).attributes
    ids = [value for name, value in attributes if name == "id"]
    wanted = {value.removeprefix("#") for name, value in attributes if name == "xlink:href" and value}
    assert len(ids) == len(set(ids))
    assert wanted | set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_plots_take_their_colours_from_the_page() -> None:
    text = page(two_ladders())
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    assert "var(--curve-0)" in pictures
    assert "currentColor" in pictures
    assert not re.search(r"#[0-9a-f]{6}\b", pictures)
