"""One engine as a Prometheus has it: which one is meant, and what it told at its last scrape."""

import argparse
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from setpoint.cli.documents import DocumentError
from setpoint.cli.tune_engine import AmbiguousError, UnreadableError
from setpoint.controllers.tuning.scrape import LAG_SECONDS
from setpoint.prom.errors import PrometheusError
from setpoint.prom.pods import OWN_LABELS
from setpoint.prom.promql import Equal, Query, Selector, TimestampQuery
from setpoint.prom.scrape import Prometheus
from setpoint.prom.settings import PrometheusSettings
from setpoint.signals.reading import HISTOGRAMS, NAMES, NEEDED, Reading, ReadingError, reading
from setpoint.signals.series import Series

Matchers = tuple[Equal, ...]
_EXAMPLE = 'write LABEL="VALUE", and more of them after a comma, such as namespace="team-a",pod="chat-1"'
_CONDITION = re.compile(
    r'\s*(?P<label>[^\s=!~"{},]+)\s*(?P<sign>[=!~]+)\s*"(?P<value>(?:[^"\\]|\\["\\])*)"\s*(?:,|\Z)'
)
_SCRAPED = NEEDED[0]
"""Every rank has it from its start: it tells which engines there are, and when they were scraped."""
_MODEL = "model_name"
"""A label of the engine's own, of those series alone that vLLM itself counts."""
_TRIES = 2
"""One more where a scrape ends just while it is asked about."""
_SHOWN_VALUES = 3


def parse_selector(text: str) -> Matchers:
    """Return the conditions of `label="value",...`; a quote or backslash in a value follows a backslash.

    Raises ValueError for anything else, so that nothing in it can become another query.
    """
    matchers: dict[str, Equal] = {}
    position = 0
    while position < len(text) or not matchers:
        found = _CONDITION.match(text, position)
        if not found:
            raise ValueError(f"{text[position:]!r} is no condition: {_EXAMPLE}")
        label, sign = found["label"], found["sign"]
        if sign != "=":
            raise ValueError(f"{label}{sign} is not taken, as one engine is meant, but = alone: {_EXAMPLE}")
        if label in matchers:
            raise ValueError(f"has {label} twice: leave one")
        matchers[label] = Equal(label, re.sub(r"\\(.)", r"\1", found["value"], flags=re.DOTALL))
        position = found.end()
    return tuple(matchers.values())


def settings(url: str, token_file: Path | None, timeout_seconds: float) -> PrometheusSettings:
    """Return how that Prometheus is reached. Raises DocumentError that names the flag at fault."""
    try:
        return PrometheusSettings(
            url=url,
            token_file=token_file.absolute() if token_file else None,
            timeout_seconds=timeout_seconds,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        flag = "--prometheus" if first["loc"] == ("url",) else "--prometheus-token-file"
        raise DocumentError(f"{flag}: {first['msg']}") from None


def check_flags(options: argparse.Namespace) -> None:
    """Raise DocumentError where flags that need one another are not together."""
    if options.prometheus is not None and not options.selector:
        raise DocumentError(f"--selector: which engine is meant is missing: {_EXAMPLE}")
    for flag, value in (
        ("--selector", options.selector),
        ("--prometheus-token-file", options.prometheus_token_file),
    ):
        if value and options.prometheus is None:
            raise DocumentError(f"{flag}: goes with --prometheus alone: give that, or leave this")


class EngineInPrometheus:
    """Reads one engine by at most 20 queries, and as many again where a scrape comes between."""

    def __init__(
        self,
        prometheus: Prometheus,
        matchers: Matchers,
        within_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """After `within_seconds` no further query is begun; each has its own timeout."""
        self._prometheus = prometheus
        self._matchers = matchers
        self._within_seconds = within_seconds
        self._clock = clock
        self._target: Mapping[str, str] | None = None

    def read(self, now: float) -> Reading:
        """Return what the engine told at its last scrape, and when; its histograms where it does not judge.

        Raises UnreadableError, and AmbiguousError where more than one engine is selected.
        """
        end_seconds = self._clock() + self._within_seconds
        try:
            for _ in range(_TRIES):
                if found := self._read(now - LAG_SECONDS, end_seconds):
                    return found
        except (PrometheusError, ReadingError) as error:
            raise UnreadableError(f"Prometheus: {error}") from None
        raise UnreadableError("it was scraped just while Prometheus was asked about it")

    def _read(self, at_seconds: float, end_seconds: float) -> Reading | None:
        """What it told, or None where it was scraped meanwhile."""

        def ask(query: Query) -> tuple[Series, ...]:
            if self._clock() > end_seconds:
                raise UnreadableError(f"Prometheus took longer than {self._within_seconds:g} s to tell of it")
            return self._prometheus.vector(query, at_seconds)

        scraped = TimestampQuery(Selector(_SCRAPED, self._matchers))
        before = ask(scraped)
        target = self._only_target(before)
        exact = tuple(_exact(target))

        def told(names: Iterable[str]) -> list[Series]:
            return [_own(each, target) for name in names for each in ask(Query(Selector(name, exact)))]

        series = told(NAMES)
        scraped_seconds = before[0].value
        found = reading(series, scraped_seconds)
        if not found.is_judging:
            found = reading([*series, *told(HISTOGRAMS)], scraped_seconds)
        moments = {each.value for each in (*before, *ask(scraped))}
        return found if moments == {scraped_seconds} else None

    def _only_target(self, scraped: Iterable[Series]) -> Mapping[str, str]:
        """The labels that the scrape gave, of the one engine that is selected."""
        engines = {frozenset({**_of_scrape(each), **_of_model(each)}.items()) for each in scraped}
        if not engines:
            raise UnreadableError(
                f"Prometheus has no {Selector(_SCRAPED, self._matchers)}: does it scrape the engine?"
            )
        if len(engines) > 1:
            raise AmbiguousError(f"{len(engines)} engines are selected, {_apart(map(dict, engines))}")
        target = {label: value for label, value in engines.pop() if label != _MODEL}
        before, self._target = self._target, target
        if before is not None and before != target:
            raise UnreadableError(f"another engine is selected than before, {_apart([before, target])}")
        return target


def _exact(target: Mapping[str, str]) -> Iterator[Equal]:
    for label, value in sorted(target.items()):
        with suppress(ValueError):  # a name that would need quotes is not asked for; `_own` compares it
            yield Equal(label, value)


def _own(series: Series, target: Mapping[str, str]) -> Series:
    """The series with the labels that the engine gave."""
    if (labels := _of_scrape(series)) != target:
        raise AmbiguousError(f"{series.name} is of two engines, {_apart([dict(target), labels])}")
    return Series(
        series.name, {name: series.labels[name] for name in series.labels.keys() & OWN_LABELS}, series.value
    )


def _of_scrape(series: Series) -> dict[str, str]:
    return {label: value for label, value in series.labels.items() if label not in OWN_LABELS and value}


def _of_model(series: Series) -> dict[str, str]:
    return {_MODEL: series.labels[_MODEL]} if _MODEL in series.labels else {}


def _apart(targets: Iterable[Mapping[str, str]]) -> str:
    """Which labels tell them apart, and their values."""
    all_of_them = list(targets)
    labels = sorted({label for target in all_of_them for label in target})
    told = []
    for label in labels:
        values = sorted({target.get(label, "") for target in all_of_them})
        if len(values) > 1:
            shown = ", ".join(map(repr, values[:_SHOWN_VALUES]))
            told.append(f"{label} ({shown}{', ...' if len(values) > _SHOWN_VALUES else ''})")
    return f"told apart by {' and '.join(told)}"
