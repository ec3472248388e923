"""What the configuration makes of an engine that lies, by a real Prometheus on this machine."""

import http.server
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.clusters.cluster import ClusterError
from e2e.prometheus import api
from tests.apiserver import until
from tests.chart import helm, prometheus
from tests.prometheus import built

pytestmark = pytest.mark.prometheus

METRICS = Path(__file__).parents[2] / "e2e" / "contract" / "vllm-metrics-0.32.txt"
META = "__meta_kubernetes_"
OTHERS = 'namespace="team-b",pod="other",setpoint_service="rival",job="x",instance="y"'
LIES = f"""
# TYPE setpoint_requests_total counter
setpoint_requests_total{{verdict="good"}} 3
setpoint_requests_total{{verdict="bad",{OTHERS}}} 4
setpoint_requests_total{{verdict="cut",setpoint_uid="forged",exported_pod="z"}} 5
setpoint_requests_total{{verdict="old"}} 6 1000
"""


class Engine(http.server.ThreadingHTTPServer):
    """An HTTP server with the /metrics of a test."""

    def __init__(self, text: str = LIES, redirect: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.text = text
        self.redirect = redirect
        self.asked = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(302 if self.server.redirect else 200)
        self.send_header("Location", self.server.redirect)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def running(engine: Engine) -> Iterator[Engine]:
    with engine:
        threading.Thread(target=engine.serve_forever, args=(0.05,), daemon=True).start()
        yield engine
        engine.shutdown()


def pod(engine: Engine, **labels: str) -> dict[str, Any]:
    """A port of a pod as the discovery of Kubernetes tells it; ours unless the labels say otherwise."""
    told = {
        "namespace": "team-a",
        "pod_name": "chat-1",
        "pod_phase": "Running",
        "pod_container_name": "main",
        "pod_container_port_name": "http",
        "pod_label_setpoint_dev_inferenceservice": "chat",
    } | labels
    return {"targets": [engine.address], "labels": {f"{META}{name}": value for name, value in told.items()}}


@contextmanager
def scraping(folder: Path, *pods: dict[str, Any], **values: Any) -> Iterator[str]:
    """The URL of a Prometheus with the chart's configuration, to which these pods are told."""
    objects = helm.render({"prometheus": {"install": True, "scrapeInterval": "1s", **values}})
    config = prometheus.config(objects)
    (job,) = config["scrape_configs"]
    del job["kubernetes_sd_configs"]
    job["static_configs"] = list(pods)
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    (folder / "alerts.yaml").write_text(prometheus.files(objects)["alerts.yaml"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(built() / "prometheus"), f"--config.file={folder}/prometheus.yaml"]
    command += [f"--storage.tsdb.path={folder}/samples", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def vector(url: str, promql: str) -> list[api.Sample]:
    """The answer, or nothing where there is none yet."""
    try:
        return api.query(url, promql)
    except ClusterError:
        return []


async def test_no_label_that_an_engine_sends_takes_the_place_of_ours(tmp_path: Path) -> None:
    before = time.time()
    with running(Engine()) as engine, scraping(tmp_path, pod(engine)) as url:
        await until(lambda: len(vector(url, "setpoint_requests_total")) == 4)
        found = {sample.labels["verdict"]: sample for sample in vector(url, "setpoint_requests_total")}
        times = vector(url, "timestamp(setpoint_requests_total)")

    for sample in found.values():
        names = ("namespace", "pod", "setpoint_service", "job")
        assert [sample.labels[name] for name in names] == ["team-a", "chat-1", "chat", "setpoint-engines"]
        assert "setpoint_uid" not in sample.labels
    assert {name: value for name, value in found["bad"].labels.items() if name.startswith("exported_")} == {
        "exported_namespace": "team-b",
        "exported_pod": "other",
        "exported_setpoint_service": "rival",
        "exported_job": "x",
        "exported_instance": "y",
    }
    # Nor does it choose when that was.
    assert min(sample.value for sample in times) >= before - 1


@pytest.mark.parametrize(
    "other",
    [
        {"pod_container_name": "sidecar"},
        {"pod_container_port_name": "admin"},
        {"pod_phase": "Pending"},
        {"pod_phase": "Failed"},
    ],
    ids=lambda other: " ".join(*other.items()),
)
async def test_of_our_pods_only_the_engines_port_is_scraped_while_it_runs(
    tmp_path: Path, other: dict[str, str]
) -> None:
    with (
        running(Engine()) as ours,
        running(Engine()) as theirs,
        scraping(tmp_path, pod(ours), pod(theirs, **other)) as url,
    ):
        await until(lambda: bool(vector(url, "up == 1")))
        assert [target["labels"]["instance"] for target in api.targets(url)] == [ours.address]
    assert theirs.asked == 0


async def test_an_engine_leads_prometheus_nowhere(tmp_path: Path) -> None:
    with (
        running(Engine()) as elsewhere,
        running(Engine(redirect=f"http://{elsewhere.address}/metrics")) as engine,
        scraping(tmp_path, pod(engine)) as url,
    ):
        await until(lambda: bool(vector(url, "up == 0")))
    assert elsewhere.asked == 0


async def test_too_many_samples_of_one_engine_are_none(tmp_path: Path) -> None:
    with running(Engine()) as engine, scraping(tmp_path, pod(engine), sampleLimit=3) as url:
        await until(lambda: bool(vector(url, "up == 0")))
        (target,) = api.targets(url)
        assert "sample limit" in target["lastError"]
        assert vector(url, "setpoint_requests_total") == []


@pytest.mark.parametrize(
    ("labels", "limit"),
    [
        ('objective="' + 513 * "x" + '"', "label value length limit"),
        (129 * "x" + '="1"', "label name length limit"),
        (",".join(f'x{number}="1"' for number in range(64)), "label limit"),
    ],
    ids=["value", "name", "number"],
)
async def test_an_engine_with_labels_beyond_the_limits_gives_no_sample(
    tmp_path: Path, labels: str, limit: str
) -> None:
    text = f"{LIES}setpoint_tokens_total{{{labels}}} 1\n"
    with running(Engine(text)) as engine, scraping(tmp_path, pod(engine)) as url:
        await until(lambda: bool(vector(url, "up == 0")))
        (target,) = api.targets(url)
        assert limit.replace(" ", "_") in target["lastError"].replace(" ", "_")
        assert vector(url, "setpoint_requests_total") == []


async def test_all_that_a_vllm_tells_is_within_the_limits_and_only_its_own_is_kept(tmp_path: Path) -> None:
    own = set(re.findall(r"^[a-zA-Z_:][\w:]*", METRICS.read_text(), re.MULTILINE))
    others = {name for name in own if not name.startswith(("vllm:", "setpoint_"))}
    long = 'vllm:lora_requests_info{running_lora_adapters="' + 600 * "x" + '"} 1\n'
    with running(Engine(METRICS.read_text() + long)) as engine, scraping(tmp_path, pod(engine)) as url:
        await until(lambda: bool(vector(url, "up == 1")))
        found = {
            each.labels["__name__"] for each in vector(url, '{setpoint_service!="",__name__!~"up|scrape_.*"}')
        }
    assert others
    assert found == own - others
