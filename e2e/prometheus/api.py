"""What a Prometheus answers over its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api)."""

import json
import math
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


def query_range(
    url: str, promql: str, begin_seconds: float, end_seconds: float, step_seconds: float
) -> list[tuple[float, float]]:
    """The values of a query over time, as Unix seconds and value, of its first series. Raises ClusterError.

    Moments without a value are left out, and so are values that are no number.
    """
    asked = {"query": promql, "start": begin_seconds, "end": end_seconds, "step": step_seconds}
    found = _get(url, f"query_range?{urllib.parse.urlencode(asked)}")["result"]
    values = [(float(at), float(value)) for at, value in found[0]["values"]] if found else []
    return [(at, value) for at, value in values if math.isfinite(value)]


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
