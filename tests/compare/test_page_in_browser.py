"""The page as a person sees it, in Chromium: wide and narrow, light and dark, on paper, without a network."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from setpoint.compare.comparison import compare
from setpoint.compare.cost import Price
from setpoint.compare.page import page
from tests.browser import Browser, chromium
from tests.compare.builders import a_ladder, report, runs, stage

pytestmark = pytest.mark.browser

ARTIFACTS = Path(__file__).parents[2] / "dist/artifacts"
"""Pictures of the last run, to be looked at."""

TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter(each => !each.closest('svg') || each.tagName === 'svg')
  .filter(each => {
    const box = each.getBoundingClientRect();
    return box.width > innerWidth + 0.5 || box.right > innerWidth + 0.5 || box.left < -0.5;
  })
  .map(each => each.tagName + ' ' + each.textContent.slice(0, 40))
"""
CUT_TEXT = """
[...document.querySelectorAll('svg text')]
  .filter(each => {
    const text = each.getBoundingClientRect(), box = each.ownerSVGElement.getBoundingClientRect();
    return text.left < box.left - 1 || text.right > box.right + 1
      || text.top < box.top - 1 || text.bottom > box.bottom + 1;
  })
  .map(each => each.textContent)
"""
PLOTS = """
[...document.querySelectorAll('figure')].map(each => {
  const svg = each.querySelector('svg'), box = svg.getBoundingClientRect();
  const title = each.querySelector('figcaption').innerText;
  return [title, svg.getAttribute('role'), svg.getAttribute('aria-label'), box.width, box.height];
})
"""
LOWEST_CONTRASTS = """
(() => {
  const style = getComputedStyle(document.documentElement);
  const channel = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = name => {
    let hex = style.getPropertyValue(name).trim().slice(1);
    if (hex.length === 3) hex = [...hex].map(digit => digit + digit).join('');
    const [red, green, blue] = [0, 2, 4].map(at => channel(parseInt(hex.slice(at, at + 2), 16) / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const lowest = (names, paper) => Math.min(...names.map(name => contrast(name, paper)));
  return {
    text: lowest(['--ink', '--faint', '--better', '--worse'], '--paper'),
    caution: contrast('--ink', '--caution'),
    curves: lowest([0, 1, 2, 3, 4, 5, 6, 7].map(number => '--curve-' + number), '--paper'),
  };
})()
"""
"""Of colours against what they stand on, by WCAG 2.2's luminance; it asks for 4.5, for graphics 3."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(chromium()) as running:
        yield running


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with everything on it: long and hostile names, cautions, each kind of plot."""
    model = f"organisation/a-model-{'with-a-long-' * 5}name <script>document.title='7'</script>"
    three = [
        a_ladder(faster, model=model, settings={"max-num-seqs": seqs})
        for faster, seqs in ((1.0, "128"), (1.1, "256"), (1.12, "512"))
    ]
    failing = report(
        stage(clients=100, errors={"http_503": 60}), model=model, settings={"max-num-seqs": "1024"}
    )
    comparison = compare(runs(*three, failing), [Price(Decimal("2.50"), "USD", 1)] * 4)
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(comparison), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(browser: Browser, url: str, width: int) -> None:
    browser.open(url, width=width)
    browser.screenshot(ARTIFACTS / f"compare-{width}.png")
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate(TOO_WIDE) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_each_plot_is_there_named_and_whole(browser: Browser, url: str, width: int) -> None:
    browser.open(url, width=width)
    plots = browser.evaluate(PLOTS)
    assert [title for title, *_ in plots] == [
        "TTFT p95 against clients",
        "ITL p95 against clients",
        "Output tokens/s against clients",
        "Cost per million output tokens against clients",
        "Output tokens/s against max-num-seqs, at 100 clients",
    ]
    for title, role, name, drawn_width, drawn_height in plots:
        assert (role, name) == ("img", title)
        assert drawn_width > 300
        assert drawn_height > 200
    assert browser.evaluate(CUT_TEXT) == []


def test_the_page_asks_for_nothing_and_complains_of_nothing(browser: Browser, url: str) -> None:
    browser.open(url, width=1280)
    assert [each["request"]["url"] for each in browser.told("Network.requestWillBeSent")] == [url]
    assert browser.told("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded") == []


def test_what_has_to_be_told_can_be_read(browser: Browser, url: str) -> None:
    browser.open(url, width=1280)
    text = browser.evaluate("document.body.innerText")
    for told in (
        "<script>document.title='7'</script>",
        "D: requests failed",
        "highest that kept the SLO: missed at 256 clients",
        "B against A: 100 clients",
        "2.50 USD a GPU hour",
        "not judged",
    ):
        assert told in text
    assert browser.evaluate("document.title") == "Load tests compared: A, B, C, D"


def test_tables_have_captions_and_headers(browser: Browser, url: str) -> None:
    browser.open(url, width=1280)
    assert browser.evaluate("document.querySelectorAll('table').length") > 10
    assert browser.evaluate("[...document.querySelectorAll('table')].every(each => each.caption)")
    assert browser.evaluate("document.querySelectorAll('thead th:not([scope=col])').length") == 0
    rows, named = (
        browser.evaluate(f"document.querySelectorAll('tbody tr {cell}').length")
        for cell in ("> :first-child", "> th[scope=row]:first-child")
    )
    assert rows == named


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_told_from_the_paper(browser: Browser, url: str, dark: bool) -> None:
    browser.open(url, width=1280, dark=dark)
    if dark:
        browser.screenshot(ARTIFACTS / "compare-dark.png")
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper != "rgb(255, 255, 255)") == dark
    lowest = browser.evaluate(LOWEST_CONTRASTS)
    assert min(lowest["text"], lowest["caution"]) >= 4.5
    assert lowest["curves"] >= 3


def test_the_page_can_be_printed(browser: Browser, url: str) -> None:
    browser.open(url, width=1280, dark=True)
    browser.send("Emulation.setEmulatedMedia", media="print")
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.send("Emulation.setEmulatedMedia", media="")
    assert paper == "rgb(255, 255, 255)"
