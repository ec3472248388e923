"""One engine at one moment: raw counters since its start, gauges, and the limits in force.

Metric names are those of vLLM V1 (vllm/v1/metrics/loggers.py; served by 0.25 to 0.33) and of `setpoint_vllm`.
An engine of several ranks shows each series once for a rank: counters are added, of shares the highest
counts.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter

from setpoint.signals.histogram import Buckets, combined
from setpoint.signals.series import Series
from setpoint_vllm.limits_file import Latency, Limit
from setpoint_vllm.step_times import TOTALS


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

    @property
    def bad_share(self) -> float:
        """Share of those that did not; 0 where there are none."""
        return self.bad / self.count if self.count else 0.0

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(self.good + other.good, self.bad + other.bad)


@dataclass(frozen=True)
class RankLimits:
    """What one engine rank keeps to; a limit that it does not have is left out."""

    generation: int
    writer: str
    """Of the newest generation; where several wrote it, all of them."""
    in_force: Mapping[Limit, int]
    start: Mapping[Limit, int]
    confirmed_seconds: float | None = None
    """Unix time, by the engine's clock, at which the rank last told them."""


@dataclass(frozen=True)
class Steps:
    """Steps of one size, counted by the plugin."""

    count: float = 0.0
    seconds: float = 0.0
    tokens: float = 0.0

    def plus(self, other: "Steps", sign: int = 1) -> "Steps":
        """Return both together, the second times `sign`."""
        return Steps(
            self.count + sign * other.count,
            self.seconds + sign * other.seconds,
            self.tokens + sign * other.tokens,
        )


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
    steps_by_size: Mapping[float, Steps] = field(default_factory=dict)
    """Steps by the most tokens that they have, each counted once; empty without the plugin."""
    judged: Mapping[str, Judged] = field(default_factory=dict)
    """Latencies by the objective's name."""
    latencies: Mapping[Latency, Buckets] = field(default_factory=dict)
    """Latencies by their length in seconds, as vLLM itself counts them; only where they were asked for."""

    def __add__(self, other: "Counters") -> "Counters":
        """Return both together; what one side lacks is 0 there."""
        return _combined(self, other, 1)

    def __sub__(self, other: "Counters") -> "Counters":
        """Return what came after `other`; what one side lacks is 0 there."""
        return _combined(self, other, -1)

    @property
    def is_negative(self) -> bool:
        """Whether any of it is below 0: as a difference, that a counter has fallen."""
        return (
            min(_numbers(self)) < 0
            or any(each.good < 0 or each.bad < 0 for each in self.judged.values())
            or any(min(each.count, each.seconds, each.tokens) < 0 for each in self.steps_by_size.values())
            or any(count < 0 for buckets in self.latencies.values() for count in buckets.values())
        )


_NUMBERS = tuple(each.name for each in fields(Counters) if each.type is float)
_numbers: Callable[[Counters], tuple[float, ...]] = attrgetter(*_NUMBERS)


def _combined(some: Counters, others: Counters, sign: int) -> Counters:
    # Thousands of times in each cycle of the tuner.
    pairs = zip(_numbers(some), _numbers(others), strict=True)
    numbers = dict(zip(_NUMBERS, [one + sign * other for one, other in pairs], strict=True))
    sizes, further_sizes = some.steps_by_size, others.steps_by_size
    mine, theirs, nothing = some.judged, others.judged, Judged()
    return Counters(
        **numbers,
        steps_by_size={
            size: sizes.get(size, _NO_STEPS).plus(further_sizes.get(size, _NO_STEPS), sign)
            for size in {**sizes, **further_sizes}
        },
        judged={
            name: _signed_sum(mine.get(name, nothing), theirs.get(name, nothing), sign)
            for name in {**mine, **theirs}
        },
        latencies={
            latency: combined(some.latencies.get(latency, {}), others.latencies.get(latency, {}), sign)
            for latency in {**some.latencies, **others.latencies}
        },
    )


_NO_STEPS = Steps()


def _signed_sum(one: Judged, other: Judged, sign: int) -> Judged:
    return Judged(one.good + sign * other.good, one.bad + sign * other.bad)


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

    @property
    def is_judging(self) -> bool:
        """Whether the engine judges its requests, as far as is known: it does with the plugin inside it."""
        return self.supported is True or bool(self.counters.judged)


def ranks_per_engine(readings: Mapping[str, Reading]) -> float:
    """Return how many ranks an engine of these has on average; 0 where none has told its limits."""
    return sum(len(each.ranks) for each in readings.values()) / max(len(readings), 1)


_REQUESTS, _TOKENS = "setpoint_requests_total", "setpoint_tokens_total"
_LIMIT, _START = "setpoint_engine_limit", "setpoint_engine_limit_start"
_GENERATION, _SUPPORTED = "setpoint_engine_limit_generation", "setpoint_engine_limits_supported"
_CONFIRMED = "setpoint_engine_limit_confirmed_timestamp_seconds"
_STEPS = "setpoint_engine_step_totals"
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_KV_CACHE = "vllm:kv_cache_usage_perc"
_COUNTERS = {
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "generation_tokens",
    "vllm:num_preemptions_total": "preemptions",
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
NAMES = (
    *NEEDED, _STEPS, _REQUESTS, _TOKENS, _LIMIT, _START, _GENERATION, _CONFIRMED, _SUPPORTED,
)  # fmt: skip
"""Sample names of all that a reading needs for the tuner."""
HISTOGRAMS = {
    "vllm:time_to_first_token_seconds_bucket": Latency.TTFT,
    "vllm:inter_token_latency_seconds_bucket": Latency.ITL,
}
"""Sample names of what tells latencies where the engine does not judge them."""


def reading(series: Iterable[Series], at_seconds: float) -> Reading:
    """Return what one engine told at that Unix time.

    Raises ReadingError when a needed metric is missing, or a value is none that its metric can have.
    """
    by_name = _by_name(series)
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


def _by_name(series: Iterable[Series]) -> dict[str, list[Series]]:
    by_name: dict[str, list[Series]] = {}
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    models: set[str] = set()
    for each in series:
        identity = each.name, frozenset(each.labels.items())
        if identity in seen:
            raise ReadingError(f"{each.name} comes twice with the labels {dict(each.labels)}")
        seen.add(identity)
        if each.name in NEEDED and "model_name" in each.labels:
            models.add(each.labels["model_name"])
        by_name.setdefault(each.name, []).append(_checked(each))
    if len(models) > 1:
        names = " and ".join(map(repr, sorted(models)))
        raise ReadingError(f"the series are of the models {names}: no engine serves two")
    return by_name


def _counters(by_name: Mapping[str, list[Series]], total: Callable[[str], float]) -> Counters:
    counted = {attribute: total(name) for name, attribute in _COUNTERS.items()}
    verdicts = dict.fromkeys(_VERDICTS.values(), 0.0)
    shown = {
        (each.labels.get("verdict"), each.labels.get("reason", "")) for each in by_name.get(_REQUESTS, ())
    }
    if _SUPPORTED in by_name and not shown >= _VERDICTS.keys():
        # The plugin shows each from the start, so that something between it and us drops them.
        raise ReadingError(f"{_REQUESTS} has not every verdict, as the plugin serves them: is one dropped?")
    for each in by_name.get(_REQUESTS, ()):
        verdict = _label(each, "verdict"), each.labels.get("reason", "")
        if verdict not in _VERDICTS:
            raise ReadingError(f"{_REQUESTS} has the verdict {verdict}, which no known plugin gives")
        verdicts[_VERDICTS[verdict]] += each.value
    judged: dict[str, Judged] = {}
    for each in by_name.get(_TOKENS, ()):
        verdict_on_latency = _label(each, "verdict")
        if verdict_on_latency not in {"good", "bad"}:
            raise ReadingError(
                f"{_TOKENS} has the verdict {verdict_on_latency!r}, which no known plugin gives"
            )
        good = verdict_on_latency == "good"
        name = _label(each, "objective")
        judged[name] = judged.get(name, Judged()) + Judged(
            each.value if good else 0.0, 0.0 if good else each.value
        )
    latencies = {
        latency: _latencies(name, by_name[name]) for name, latency in HISTOGRAMS.items() if name in by_name
    }
    return Counters(
        **counted,
        **verdicts,
        judged=judged,
        steps_by_size=_steps_by_size(by_name.get(_STEPS, ())),
        latencies=latencies,
    )


def _steps_by_size(series: Iterable[Series]) -> dict[float, Steps]:
    """Of all ranks together; only sizes of which every total is there."""
    found: dict[float, dict[str, float]] = {}
    for each in series:
        of_size = found.setdefault(_edge(each, "up_to"), {})
        total = _label(each, "total")
        of_size[total] = of_size.get(total, 0.0) + each.value
    return {
        size: Steps(*(found[size][total] for total in TOTALS))
        for size in sorted(found)
        if found[size].keys() >= set(TOTALS)
    }


def _latencies(name: str, series: Iterable[Series]) -> Buckets:
    """The histogram of all ranks together."""
    by_rank: dict[str, dict[float, float]] = {}
    for each in series:
        by_rank.setdefault(each.labels.get("engine", ""), {})[_edge(each)] = each.value
    pooled: dict[float, float] = {}
    for rank, buckets in sorted(by_rank.items()):
        counts = [buckets[edge] for edge in sorted(buckets)]
        if math.inf not in buckets or counts != sorted(counts):
            raise ReadingError(
                f"{name} of rank {rank!r} is no histogram: its counts fall, or +Inf is missing"
            )
        pooled = combined(pooled, buckets, 1)
    return pooled


def _edge(series: Series, label: str = "le") -> float:
    text = _label(series, label)
    try:
        edge = float(text)
    except ValueError:
        edge = math.nan
    if math.isnan(edge):
        raise ReadingError(f"{series.name} has the edge {text!r}: not a number")
    return edge


def _ranks(by_name: Mapping[str, list[Series]]) -> dict[str, RankLimits]:
    writers: dict[str, dict[int, set[str]]] = {}
    for each in by_name.get(_GENERATION, ()):
        of_rank = writers.setdefault(_label(each, "engine"), {})
        of_rank.setdefault(int(each.value), set()).add(each.labels.get("writer", ""))
    in_force, start = _by_rank(by_name.get(_LIMIT, ())), _by_rank(by_name.get(_START, ()))
    confirmed = {_label(each, "engine"): each.value for each in by_name.get(_CONFIRMED, ())}
    return {
        rank: RankLimits(
            generation=max(of_rank),
            writer=", ".join(sorted(of_rank[max(of_rank)])),
            in_force=in_force.get(rank, {}),
            start=start.get(rank, {}),
            confirmed_seconds=confirmed.get(rank),
        )
        for rank, of_rank in sorted(writers.items())
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
_MOST = {_KV_CACHE: 1.0}


def _checked(series: Series) -> Series:
    value = series.value
    if (
        math.isnan(value)
        or value < 0
        or value > _MOST.get(series.name, math.inf)
        or (math.isinf(value) and series.name not in _MAY_BE_INFINITE)
    ):
        raise ReadingError(f"{series.name} is {value}: no value that it can have")
    return series


def _label(series: Series, name: str) -> str:
    try:
        return series.labels[name]
    except KeyError:
        raise ReadingError(f"{series.name} has no label {name!r}") from None
