"""What the server says of itself on /metrics: its totals, and the limits in force in each rank."""

import math
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class InForce:
    """The limits in force by rank and name, None for no limit, and the generation of the oldest rank."""

    generation: int
    ranks: dict[str, dict[str, int | None]]

    def holds(self, name: str, value: int) -> bool:
        """Return whether a limit has this value in every rank."""
        return bool(self.ranks) and all(limits.get(name) == value for limits in self.ranks.values())


def read(url: str) -> list[Sample]:
    """Return the samples of the server at `url`. Raises OSError when it does not answer."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        return parse(answer.read().decode())


def parse(text: str) -> list[Sample]:
    """Return the samples of a text in Prometheus' format."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def totals(samples: Iterable[Sample], names: Iterable[str]) -> dict[str, float]:
    """Return the sums over all labels of vLLM's series, by their names without `vllm:`; of those it has."""
    wanted, found = set(names), dict[str, float]()
    for sample in samples:
        name = sample.name.removeprefix("vllm:")
        if name in wanted:
            found[name] = found.get(name, 0.0) + sample.value
    return found


def in_force(samples: Iterable[Sample]) -> InForce:
    """Return what the plugin's gauges say; no rank where it says nothing."""
    ranks: dict[str, dict[str, int | None]] = {}
    generations: dict[str, int] = {}
    for sample in samples:
        rank = sample.labels.get("engine", "")
        if sample.name == "setpoint_engine_limit":
            value = None if math.isinf(sample.value) else int(sample.value)
            ranks.setdefault(rank, {})[sample.labels["limit"]] = value
        elif sample.name == "setpoint_engine_limit_generation":
            # One for each writer that there has been.
            generations[rank] = max(generations.get(rank, 0), int(sample.value))
    return InForce(min(generations.values(), default=0), ranks)
