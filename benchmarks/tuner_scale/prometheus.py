"""A real Prometheus that finds every service's engine as a pod, with the labels of the chart's."""

import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.tuner_scale.cluster import namespace
from e2e.prometheus import programs
from e2e.prometheus.api import query
from setpoint.prom.promql import Query, Selector
from setpoint.prom.scrape import OURS
from setpoint.signals.reading import NAMES
from tests.controllers.inferenceservice.users import NAME

SCRAPE_SECONDS = 5
_ASKED = '{handler="/api/v1/query"}'


@contextmanager
def prometheus(folder: Path, port: int, engines_port: int, services: int) -> Iterator[str]:
    """Run one until the end of the context; its URL."""
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump(_scraping(engines_port, services)))
    binary = shutil.which("prometheus") or str(programs.ensure() / "prometheus")
    address = f"127.0.0.1:{port}"
    command = [
        *("setpriv", "--pdeathsig", "KILL", "--", binary, f"--config.file={config}"),
        *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"),
    ]
    with (
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield f"http://{address}"
        finally:
            process.kill()


def asked(url: str) -> tuple[float, float]:
    """Return how many queries it has answered, and with how many bytes, by its own count."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    queries = [
        each
        for each in lines
        if each.startswith('prometheus_http_requests_total{code="200",handler="/api/v1/query"}')
    ]
    size = [each for each in lines if each.startswith(f"prometheus_http_response_size_bytes_sum{_ASKED}")]
    return tuple(float(each[0].split()[-1]) if each else 0.0 for each in (queries, size))  # type: ignore[return-value]


def answer_bytes(url: str) -> int:
    """Return how long the answers of one cycle are as JSON, without compression."""
    total = 0
    for name in NAMES:
        asked_for = urllib.parse.urlencode({"query": str(Query(Selector(name, OURS)))})
        with urllib.request.urlopen(f"{url}/api/v1/query?{asked_for}", timeout=60) as answer:
            total += len(answer.read())
    return total


def seen(url: str) -> int:
    """Return how many engines it has series of."""
    return len(query(url, str(Selector(NAMES[0], OURS))))


def _scraping(port: int, services: int) -> dict[str, object]:
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "__metrics_path__": f"/{number}/metrics",
                "namespace": namespace(number),
                "pod": f"{NAME}-1",
                "setpoint_service": NAME,
            },
        }
        for number in range(services)
    ]
    interval = f"{SCRAPE_SECONDS}s"
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [{"job_name": "setpoint-engines", "static_configs": targets}],
    }
