"""The same questions to a real Prometheus."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from setpoint.cli.tune_engine import AmbiguousError, UnreadableError
from setpoint.cli.tune_prometheus import EngineInPrometheus, parse_selector
from setpoint.controllers.tuning.scrape import LAG_SECONDS
from setpoint.prom.client import Prometheus
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Equal, Matcher, NotEqual, OneOf, Query, Selector
from setpoint.prom.scrape import scrape
from setpoint.prom.settings import PrometheusSettings
from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import HISTOGRAMS, NAMES, NEEDED, reading
from tests.prometheus import built

pytestmark = pytest.mark.prometheus

METRICS = (Path(__file__).parents[2] / "e2e" / "contract" / "vllm-metrics-0.32.txt").read_text()
PODS = [("team-a", "chat-1"), ("team-b", "chat-1")]
HOSTILE = ['"} or vector(1) #', "a|b", ".*", "a\nb", "\\", "\t\x7f", "\N{GRINNING FACE}\ufffd", "a"]
START_SECONDS = 60


class Engine(BaseHTTPRequestHandler):
    """Serves what a real vLLM told, and a metric with a series for each hostile value."""

    def do_GET(self) -> None:
        """Answer /metrics."""
        lines = "".join(f'hostile{{value="{escaped(value)}"}} 1\n' for value in HOSTILE)
        body = (METRICS + lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def escaped(value: str) -> str:
    """The value of a label in the text format."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@pytest.fixture(name="prometheus", scope="module")
def _prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as engine:
        thread = threading.Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            config = folder / "prometheus.yaml"
            config.write_text(yaml.safe_dump(scraping(engine.server_port)))
            yield from running(config, folder)
        finally:
            engine.shutdown()
            thread.join()


def scraping(port: int) -> dict[str, object]:
    """A configuration that finds one engine as two pods, with the labels of the chart's."""
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"namespace": namespace, "pod": pod, "setpoint_service": "chat"},
        }
        for namespace, pod in PODS
    ]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "engines", "static_configs": targets}],
    }


def running(config: Path, folder: Path) -> Iterator[Prometheus]:
    """A client of a Prometheus that has scraped every pod."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = folder / "log"
    command = [
        str(built() / "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, f"--web.listen-address={address}"], stdout=output, stderr=subprocess.STDOUT
        ) as process,
        Prometheus(PrometheusSettings(url=f"http://{address}", timeout_seconds=5)) as prometheus,
    ):
        try:
            end_seconds = time.monotonic() + START_SECONDS
            while not has_scraped(prometheus):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end_seconds, log.read_text()
            yield prometheus
        finally:
            process.terminate()


def has_scraped(prometheus: Prometheus) -> bool:
    """Whether every pod has been."""
    try:
        return len(prometheus.vector(Query(Selector(NEEDED[0])), time.time())) == len(PODS)
    except PrometheusError:
        return False


def test_a_cycle_tells_of_every_pod_what_its_own_metrics_would(prometheus: Prometheus) -> None:
    told = scrape(prometheus, time.time() - 0.5)
    while set(told.pods) != set(PODS):
        # It was scraped just then.
        assert all("just while" in fault for fault in told.faults.values())
        told = scrape(prometheus, time.time() - 0.5)
    for pod in PODS:
        scraped_seconds = told.pods[pod].at_seconds
        direct = reading(parse_exposition(METRICS, NAMES), scraped_seconds)
        assert reading(told.pods[pod].series, scraped_seconds) == direct
        assert 0 <= told.at_seconds - scraped_seconds < 10
    assert {told.pods[pod].service for pod in PODS} == {"chat"}


def test_setpoint_tune_reads_the_one_engine_that_is_selected_as_its_own_metrics_would_be(
    prometheus: Prometheus,
) -> None:
    reader = EngineInPrometheus(prometheus, parse_selector('namespace="team-a",job="engines"'), 10)
    told, end_seconds = None, time.monotonic() + START_SECONDS
    while told is None:
        now = time.time()
        try:
            told = reader.read(now)
        except UnreadableError:  # it has just been scraped, or not been a moment ago
            assert time.monotonic() < end_seconds
    direct = reading(parse_exposition(METRICS, {*NAMES, *HISTOGRAMS}), told.at_seconds)
    assert direct.counters.latencies
    assert told == direct
    assert 0 < now - told.at_seconds < 10


def test_setpoint_tune_refuses_two_engines_with_the_label_that_tells_them_apart(
    prometheus: Prometheus,
) -> None:
    reader = EngineInPrometheus(prometheus, parse_selector('pod="chat-1"'), 10)
    with pytest.raises(AmbiguousError, match=r"told apart by namespace \('team-a', 'team-b'\)$"):
        reader.read(time.time() + LAG_SECONDS)


@pytest.mark.parametrize("value", HOSTILE, ids=quote)
def test_a_hostile_value_of_a_selector_selects_nothing_else(prometheus: Prometheus, value: str) -> None:
    quoted = value.replace("\\", r"\\").replace('"', r"\"")
    reader = EngineInPrometheus(prometheus, parse_selector(f'job="{quoted}"'), 10)
    with pytest.raises(UnreadableError, match="Prometheus has no vllm:num_requests_running"):
        reader.read(time.time() + LAG_SECONDS)


@pytest.mark.parametrize("value", HOSTILE, ids=quote)
@pytest.mark.parametrize("pick", [Equal, lambda label, value: OneOf(label, [value])], ids=["equal", "one of"])
def test_a_hostile_value_finds_its_series_and_no_other(
    prometheus: Prometheus, pick: type[Equal], value: str
) -> None:
    matchers: tuple[Matcher, ...] = (pick("value", value), Equal("namespace", "team-a"))
    series = prometheus.vector(Query(Selector("hostile", matchers)), time.time())
    assert [each.labels["value"] for each in series] == [value]


def test_all_but_one_of_the_hostile_values_are_found(prometheus: Prometheus) -> None:
    matchers: tuple[Matcher, ...] = (
        OneOf("value", HOSTILE),
        NotEqual("value", HOSTILE[0]),
        Equal("namespace", "team-a"),
    )
    series = prometheus.vector(Query(Selector("hostile", matchers)), time.time())
    assert {each.labels["value"] for each in series} == set(HOSTILE[1:])


class Unfinished(Query):
    """A query that ends too early."""

    def __str__(self) -> str:
        return f"{self.selector.metric}{{"


def test_what_prometheus_refuses_is_an_error_with_its_words(prometheus: Prometheus) -> None:
    with pytest.raises(PrometheusError, match=r"^up was answered with HTTP 400: 'bad_data': .*parse error"):
        prometheus.vector(Unfinished(Selector("up")), time.time())
