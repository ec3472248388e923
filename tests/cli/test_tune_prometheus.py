"""`setpoint tune` on an engine that a Prometheus scrapes."""

import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from setpoint.cli.tune_engine import AmbiguousError, UnreadableError
from setpoint.cli.tune_prometheus import EngineInPrometheus, parse_selector
from setpoint.controllers.tuning.scrape import LAG_SECONDS
from setpoint.prom.client import Prometheus
from setpoint.prom.promql import Equal
from setpoint.prom.settings import PrometheusSettings
from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import HISTOGRAMS, NAMES, reading
from tests.cli.conftest import Run
from tests.cli.engines import FakeEngine
from tests.prom.fake import FakePrometheus, Handler, fake_prometheus, labelled, vector
from tests.prom.parser import parse

NOW = 1_795_000_000.0
A, B = ({"job": "vllm", "instance": f"{host}:8000"} for host in ("a", "b"))


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('pod="chat-1"', [("pod", "chat-1")]),
        (' job = "vllm" , instance="a:8000",', [("job", "vllm"), ("instance", "a:8000")]),
        (r'a="\"} or vector(1) #\\"', [("a", '"} or vector(1) #\\')]),
        ('a="x,b=\\"y\\""', [("a", 'x,b="y"')]),
        ('a="\n{}\N{GRINNING FACE}"', [("a", "\n{}\N{GRINNING FACE}")]),
    ],
)
def test_a_selector_is_conditions_on_labels(text: str, conditions: list[tuple[str, str]]) -> None:
    assert parse_selector(text) == tuple(Equal(label, value) for label, value in conditions)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' is no condition: write LABEL=\"VALUE\""),
        ("pod", "'pod' is no condition"),
        ("pod=chat", "'pod=chat' is no condition"),
        ("pod='chat'", "is no condition"),
        ('{pod="chat"}', "is no condition"),
        ('pod="chat"} or up{a="b"', "is no condition"),
        ('pod="a" job="b"', "is no condition"),
        ('pod="a"b"', "is no condition"),
        (r'pod="a\d"', "is no condition"),
        ('pod="a",,job="b"', "',job=\"b\"' is no condition"),
        ('pod=~"chat.*"', "pod=~ is not taken, as one engine is meant, but = alone"),
        ('pod!="chat"', "pod!= is not taken"),
        ('pod="a",pod="b"', "has pod twice"),
        ('a-b="c"', "'a-b' is no label's name"),
        ('1a="c"', "'1a' is no label's name"),
        ('__name__="up"', "'__name__' is no label's name"),
        ('pod="\udcff"', "is half a character"),
    ],
)
def test_what_is_no_selector_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the message is what is compared
        parse_selector(text)
    assert fault in str(refused.value)


def text_of(value: float) -> str:
    """As Go writes it."""
    return "+Inf" if value == math.inf else repr(value)


@dataclass
class Targets:
    """What a Prometheus has of engines, by the labels that its scrape gave."""

    told: list[tuple[dict[str, str], Callable[[], str]]]
    scraped_seconds: float = NOW - 7
    on_query: Callable[[str], None] = lambda _: None
    queries: list[str] = field(default_factory=list)

    def __call__(self, handler: Handler) -> None:
        query, at_seconds = handler.asked.parameters["query"], float(handler.asked.parameters["time"])
        self.queries.append(query)
        self.on_query(query)
        times = query.startswith("timestamp(")
        asked = parse(query.removeprefix("timestamp(").removesuffix(")") if times else query)
        assert {operator for _, operator, _ in asked.matchers} <= {"="}
        samples = [
            labelled(labels, text_of(self.scraped_seconds if times else each.value), at_seconds)
            for target, metrics in self.told
            for each in parse_exposition(metrics(), {asked.metric})
            if all({(labels := {**target, **each.labels}).get(label, "")} == values
                   for label, _, values in asked.matchers)
        ]  # fmt: skip
        handler.send(json.dumps(vector(*samples)).encode())


@pytest.fixture
def fake() -> Iterator[FakePrometheus]:
    with fake_prometheus() as fake:
        yield fake


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "limits.json")


@pytest.fixture
def reader(fake: FakePrometheus) -> Iterator[EngineInPrometheus]:
    with Prometheus(PrometheusSettings(url=fake.url, timeout_seconds=5)) as prometheus:
        yield EngineInPrometheus(prometheus, parse_selector('job="vllm"'), within_seconds=5)


@pytest.mark.parametrize("has_plugin", [True, False])
def test_a_reading_is_what_the_engine_told_at_its_last_scrape(
    fake: FakePrometheus, reader: EngineInPrometheus, engine: FakeEngine, has_plugin: bool
) -> None:
    engine.has_plugin = has_plugin
    metrics = engine.metrics()
    other = FakeEngine(engine.path).metrics()
    fake.behaviour = targets = Targets([(A, lambda: metrics), ({**B, "job": "other"}, lambda: other)])
    direct = reading(parse_exposition(metrics, {*NAMES, *HISTOGRAMS}), NOW - 7)
    assert bool(direct.counters.latencies) is not has_plugin
    assert reader.read(NOW) == direct
    assert len(targets.queries) <= 20
    assert {asked.parameters["time"] for asked in fake.asked} == {f"{NOW - LAG_SECONDS:.3f}"}


def test_an_engine_is_found_by_its_model_and_read_whole(fake: FakePrometheus, engine: FakeEngine) -> None:
    metrics = engine.metrics()
    other = metrics.replace('model_name="m"', 'model_name="n"')
    fake.behaviour = Targets([(A, lambda: metrics), (B, lambda: other)])
    with Prometheus(PrometheusSettings(url=fake.url)) as prometheus:
        found = EngineInPrometheus(prometheus, parse_selector('model_name="n"'), within_seconds=5).read(NOW)
    assert found == reading(parse_exposition(other, NAMES), NOW - 7)
    assert found.is_judging


def test_a_label_whose_name_needs_quotes_hinders_nothing(
    fake: FakePrometheus, reader: EngineInPrometheus, engine: FakeEngine
) -> None:
    metrics = engine.metrics()
    fake.behaviour = Targets([({**A, "service.name": "chat"}, lambda: metrics)])
    assert reader.read(NOW) == reading(parse_exposition(metrics, NAMES), NOW - 7)


@pytest.mark.parametrize(
    ("targets", "apart"),
    [
        ([A, B], "2 engines are selected, told apart by instance ('a:8000', 'b:8000')"),
        ([{**A, "pod": "x"}, {**A, "pod": "y"}], "2 engines are selected, told apart by pod ('x', 'y')"),
        ([A, {**A, "replica": "1"}], "2 engines are selected, told apart by replica ('', '1')"),
        ([{**A, "n": str(n)} for n in range(5)], "told apart by n ('0', '1', '2', ...)"),
    ],
)
def test_two_engines_are_refused_with_the_label_that_tells_them_apart(
    fake: FakePrometheus,
    reader: EngineInPrometheus,
    engine: FakeEngine,
    targets: list[dict[str, str]],
    apart: str,
) -> None:
    fake.behaviour = Targets([(target, engine.metrics) for target in targets])
    with pytest.raises(AmbiguousError) as refused:
        reader.read(NOW)
    assert apart in str(refused.value)


def test_two_models_are_refused(fake: FakePrometheus, reader: EngineInPrometheus, engine: FakeEngine) -> None:
    metrics = engine.metrics()
    fake.behaviour = Targets([(A, lambda: metrics + metrics.replace('model_name="m"', 'model_name="n"'))])
    with pytest.raises(AmbiguousError, match=r"told apart by model_name \('m', 'n'\)"):
        reader.read(NOW)


def test_another_engine_in_the_place_of_the_first_is_not_taken_for_it(
    fake: FakePrometheus, reader: EngineInPrometheus, engine: FakeEngine
) -> None:
    fake.behaviour = Targets([(A, engine.metrics)])
    reader.read(NOW)
    fake.behaviour = Targets([(B, engine.metrics)])
    with pytest.raises(UnreadableError, match=r"another engine is selected than before, told apart by inst"):
        reader.read(NOW)
    assert reader.read(NOW).running == 10


def test_an_engine_that_prometheus_does_not_have_is_said(
    fake: FakePrometheus, reader: EngineInPrometheus
) -> None:
    with pytest.raises(UnreadableError) as said:
        reader.read(NOW)
    assert 'has no vllm:num_requests_running{job="vllm"}: does it scrape' in str(said.value)


def test_a_scrape_in_the_midst_of_the_queries_is_asked_about_once_more(
    fake: FakePrometheus, reader: EngineInPrometheus, engine: FakeEngine
) -> None:
    metrics = engine.metrics()
    fake.behaviour = targets = Targets([(A, lambda: metrics)])

    def scrapes_once(query: str) -> None:
        if "prompt_tokens" in query and targets.scraped_seconds < NOW - 5:
            targets.scraped_seconds += 2

    targets.on_query = scrapes_once
    assert reader.read(NOW).at_seconds == NOW - 5

    def scrapes_always(query: str) -> None:
        targets.scraped_seconds += 0.001

    targets.on_query = scrapes_always
    with pytest.raises(UnreadableError, match="scraped just while Prometheus was asked"):
        reader.read(NOW)


def test_a_prometheus_that_cannot_be_asked_is_said() -> None:
    with (
        Prometheus(PrometheusSettings(url="http://127.0.0.1:1")) as prometheus,
        pytest.raises(UnreadableError, match=r"^Prometheus: vllm:num_requests_running had no answer"),
    ):
        EngineInPrometheus(prometheus, parse_selector('job="vllm"'), within_seconds=5).read(NOW)


def test_queries_that_take_too_long_together_are_given_up(fake: FakePrometheus, engine: FakeEngine) -> None:
    fake.behaviour = Targets([(A, engine.metrics)])
    with Prometheus(PrometheusSettings(url=fake.url)) as prometheus:
        clock = iter(range(100))
        reader = EngineInPrometheus(
            prometheus, parse_selector('job="vllm"'), within_seconds=5, clock=lambda: next(clock)
        )
        with pytest.raises(UnreadableError, match="Prometheus took longer than 5 s to tell of it"):
            reader.read(NOW)


def flags(fake: FakePrometheus, engine: FakeEngine, *more: str) -> tuple[str, ...]:
    of_engine = ("--prometheus", fake.url, "--limits-file", str(engine.path), "--slo", "itl.p95=30ms")
    return ("tune", *of_engine, *more)


def test_samples_that_are_old_are_stale(fake: FakePrometheus, engine: FakeEngine, run: Run) -> None:
    fake.behaviour = targets = Targets([(A, engine.metrics)])  # whose time is long ago

    def ends(query: str) -> None:
        if len(targets.queries) == 30:
            os.kill(os.getpid(), signal.SIGTERM)

    targets.on_query = ends
    ended = run(*flags(fake, engine, "--selector", 'job="vllm"'))
    assert (ended.status, ended.err) == (0, "")
    assert "SignalLost  start values  (engine was last read " in ended.out


def test_more_than_one_engine_is_refused_at_the_start(
    fake: FakePrometheus, engine: FakeEngine, run: Run
) -> None:
    fake.behaviour = Targets([(A, engine.metrics), (B, engine.metrics)])
    ended = run(*flags(fake, engine, "--selector", 'job="vllm"'))
    assert (ended.status, ended.err) == (
        2,
        "--selector: 2 engines are selected, told apart by instance ('a:8000', 'b:8000'): name one of them\n",
    )
    assert not engine.path.exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "one of the arguments --metrics-url --prometheus is required"),
        (("--metrics-url", "http://a/m", "--prometheus", "http://p"), "not allowed with argument"),
        (("--prometheus", "http://p"), "--selector: which engine is meant is missing: write LABEL="),
        (("--prometheus", "", "--selector", 'a="b"'), "--prometheus: '' does not begin with http"),
        (
            ("--prometheus", "p:9090", "--selector", 'a="b"'),
            "--prometheus: 'p:9090' does not begin",
        ),
        (("--prometheus", "http://u:secret@p", "--selector", 'a="b"'), "has credentials in it"),
        (("--prometheus", "http://p", "--selector", "a=b"), "argument --selector: 'a=b' is no condition"),
        (("--metrics-url", "http://a/m", "--selector", 'a="b"'), "--selector: goes with --prometheus alone"),
        (
            ("--metrics-url", "http://a/m", "--prometheus-token-file", "t"),
            "-file: goes with --prometheus",
        ),
        (
            ("--prometheus", "http://p", "--selector", 'a="b"', "--prometheus-token-file", "t"),
            "--prometheus-token-file: tokenFile needs https",
        ),
    ],
)
def test_flags_of_a_prometheus_that_cannot_be_are_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], fault: str
) -> None:
    ended = run("tune", *arguments, "--limits-file", str(tmp_path / "l"), "--slo", "itl.p95=30ms")
    assert (ended.status, fault in ended.err) == (2, True), ended.err
    assert "secret" not in ended.err
