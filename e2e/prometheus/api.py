"""What a Prometheus answers over its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api)."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from e2e.clusters.cluster import ClusterError

TIMEOUT_SECONDS = 10


class Sample(NamedTuple):
    """One series at one moment."""

    labels: dict[str, str]
    value: float


def query(url: str, promql: str) -> list[Sample]:
    """The instant vector of a query, now. Raises ClusterError."""
    found = _get(url, f"query?{urllib.parse.urlencode({'query': promql})}")
    return [Sample(each["metric"], float(each["value"][1])) for each in found["result"]]


def targets(url: str) -> list[dict[str, Any]]:
    """What it scrapes. Raises ClusterError."""
    found: list[dict[str, Any]] = _get(url, "targets?state=active")["activeTargets"]
    return found


def alerts(url: str) -> set[str]:
    """The names of the alerts that it knows. Raises ClusterError."""
    groups = _get(url, "rules?type=alert")["groups"]
    return {rule["name"] for group in groups for rule in group["rules"]}


def _get(url: str, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)["data"]
    except (OSError, ValueError) as error:
        said = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
        raise ClusterError(f"Prometheus: {path}: {error} {said}".strip()) from None
