"""One engine at one moment: raw counters since its start, gauges, and the limits in force.

Metric names are those of vLLM V1 (vllm/v1/metrics/loggers.py; served by 0.25 to 0.33) and of `setpoint_vllm`.
An engine of several ranks shows each series once for a rank: counters are added, of shares the highest
counts.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from setpoint.signals.series import Series
from setpoint_vllm.limits_file import Limit


class ReadingError(ValueError):
    """What was served cannot be believed: a metric is missing, or a value is none that it can have."""


@dataclass(frozen=True)
class Judged:
    """How many latencies or requests kept a promise, and how many did not."""

    good: float = 0.0
    bad: float = 0.0

    @property
    def count(self) -> float:
        """Both together."""
        return self.good + self.bad

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(self.good + other.good, self.bad + other.bad)

    def __sub__(self, other: "Judged") -> "Judged":
        return Judged(self.good - other.good, self.bad - other.bad)


@dataclass(frozen=True)
class RankLimits:
    """What one engine rank keeps to; a limit that it does not have is left out."""

    generation: int
    writer: str
    in_force: Mapping[Limit, int]
    start: Mapping[Limit, int]


@dataclass(frozen=True)
class Counters:
    """What an engine has counted since its start, all ranks together."""

    good: float = 0.0
    """Sequences that kept every objective."""
    late: float = 0.0
    """Sequences that did not."""
    shed: float = 0.0
    failed: float = 0.0
    cut: float = 0.0
    """Requests whose client left."""
    prompt_tokens: float = 0.0
    """Of requests that had their first token."""
    generation_tokens: float = 0.0
    preemptions: float = 0.0
    steps: float = 0.0
    step_tokens: float = 0.0
    """Tokens of all steps; a prompt's count at the step that ends its prefill."""
    steps_by_tokens: Mapping[float, float] = field(default_factory=dict)
    """Steps of at most so many tokens; cumulative, as histograms are served."""
    judged: Mapping[str, Judged] = field(default_factory=dict)
    """Latencies by the objective's name."""


@dataclass(frozen=True)
class Reading:
    """One engine at one moment."""

    at_seconds: float
    """Unix time of the scrape."""
    counters: Counters
    running: float
    """Requests in execution, all ranks together."""
    waiting: float
    kv_cache_usage: float
    """Share of the KV cache in use, 0 to 1, of the rank with the highest."""
    ranks: Mapping[str, RankLimits] = field(default_factory=dict)
    """By the rank's number; empty before the first rank has told its limits."""
    supported: bool | None = None
    """Whether the limits of this engine can be moved; None where no plugin has asked it."""


_REQUESTS, _TOKENS = "setpoint_requests_total", "setpoint_tokens_total"
_LIMIT, _START = "setpoint_engine_limit", "setpoint_engine_limit_start"
_GENERATION, _SUPPORTED = "setpoint_engine_limit_generation", "setpoint_engine_limits_supported"
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_KV_CACHE = "vllm:kv_cache_usage_perc"
_STEP = "vllm:iteration_tokens_total"
_COUNTERS = {
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "generation_tokens",
    "vllm:num_preemptions_total": "preemptions",
    f"{_STEP}_count": "steps",
    f"{_STEP}_sum": "step_tokens",
}
_VERDICTS = {
    ("good", ""): "good",
    ("bad", "late"): "late",
    ("bad", "shed"): "shed",
    ("bad", "failed"): "failed",
    ("cut", ""): "cut",
}
NEEDED = (_RUNNING, _WAITING, _KV_CACHE, *_COUNTERS)
"""Without these nothing is known of an engine."""
NAMES = (*NEEDED, f"{_STEP}_bucket", _REQUESTS, _TOKENS, _LIMIT, _START, _GENERATION, _SUPPORTED)
"""Sample names of all that a reading is made of."""


def reading(series: Iterable[Series], at_seconds: float) -> Reading:
    """Return what one engine told at that Unix time.

    Raises ReadingError when a needed metric is missing, or a value is none that its metric can have.
    """
    by_name: dict[str, list[Series]] = {}
    for each in series:
        by_name.setdefault(each.name, []).append(_checked(each))
    for name in NEEDED:
        if name not in by_name:
            raise ReadingError(f"{name} is missing: is this the /metrics of a vLLM?")

    def total(name: str) -> float:
        return sum(each.value for each in by_name[name])

    supported = [each.value == 1 for each in by_name.get(_SUPPORTED, ())]
    return Reading(
        at_seconds=at_seconds,
        counters=_counters(by_name, total),
        running=total(_RUNNING),
        waiting=total(_WAITING),
        kv_cache_usage=max(each.value for each in by_name[_KV_CACHE]),
        ranks=_ranks(by_name),
        supported=all(supported) if supported else None,
    )


def _counters(by_name: Mapping[str, list[Series]], total: Callable[[str], float]) -> Counters:
    counted = {attribute: total(name) for name, attribute in _COUNTERS.items()}
    verdicts = dict.fromkeys(_VERDICTS.values(), 0.0)
    for each in by_name.get(_REQUESTS, ()):
        verdict = _label(each, "verdict"), each.labels.get("reason", "")
        if verdict not in _VERDICTS:
            raise ReadingError(f"{_REQUESTS} has the verdict {verdict}, which no known plugin gives")
        verdicts[_VERDICTS[verdict]] += each.value
    judged: dict[str, Judged] = {}
    for each in by_name.get(_TOKENS, ()):
        good = _label(each, "verdict") == "good"
        name = _label(each, "objective")
        judged[name] = judged.get(name, Judged()) + Judged(
            each.value if good else 0.0, 0.0 if good else each.value
        )
    steps_by_tokens: dict[float, float] = {}
    for each in by_name.get(f"{_STEP}_bucket", ()):
        try:
            edge = float(_label(each, "le"))
        except ValueError:
            raise ReadingError(f"{_STEP}_bucket has the edge {each.labels['le']!r}: not a number") from None
        if math.isfinite(edge):
            steps_by_tokens[edge] = steps_by_tokens.get(edge, 0.0) + each.value
    return Counters(**counted, **verdicts, judged=judged, steps_by_tokens=steps_by_tokens)


def _ranks(by_name: Mapping[str, list[Series]]) -> dict[str, RankLimits]:
    newest: dict[str, tuple[int, str]] = {}
    for each in by_name.get(_GENERATION, ()):
        rank = _label(each, "engine")
        newest[rank] = max(newest.get(rank, (0, "")), (int(each.value), each.labels.get("writer", "")))
    in_force, start = _by_rank(by_name.get(_LIMIT, ())), _by_rank(by_name.get(_START, ()))
    return {
        rank: RankLimits(generation, writer, in_force.get(rank, {}), start.get(rank, {}))
        for rank, (generation, writer) in sorted(newest.items())
    }


def _by_rank(series: Iterable[Series]) -> dict[str, dict[Limit, int]]:
    limits: dict[str, dict[Limit, int]] = {}
    known = {limit.value: limit for limit in Limit}
    for each in series:
        limit = known.get(_label(each, "limit"))
        of_rank = limits.setdefault(_label(each, "engine"), {})
        if limit is not None and math.isfinite(each.value):
            of_rank[limit] = int(each.value)
    return limits


_MAY_BE_INFINITE = {_LIMIT, _START}


def _checked(series: Series) -> Series:
    value = series.value
    if math.isnan(value) or value < 0 or (math.isinf(value) and series.name not in _MAY_BE_INFINITE):
        raise ReadingError(f"{series.name} is {value}: no value that it can have")
    return series


def _label(series: Series, name: str) -> str:
    try:
        return series.labels[name]
    except KeyError:
        raise ReadingError(f"{series.name} has no label {name!r}") from None
