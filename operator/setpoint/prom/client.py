"""Prometheus as one question: the value of each series at one moment."""

import time
from collections.abc import Callable
from typing import Self

from setpoint.prom.answer import vector
from setpoint.prom.errors import AnswerError, PrometheusError
from setpoint.prom.promql import Query
from setpoint.prom.settings import PrometheusSettings
from setpoint.signals.series import Series

ANSWER_BYTES = 64 * 1024 * 1024
"""What an answer may have at most, decompressed."""


class Prometheus:
    """Asks Prometheus, or what answers like it. Threads may share it; each question blocks its thread."""

    def __init__(
        self,
        settings: PrometheusSettings,
        *,
        answer_bytes: int = ANSWER_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Connects at the first question. `clock` returns the Unix time."""
        # The HTTP client takes a third of a second to import: only who asks waits for it.
        from setpoint.prom import transport

        self._settings = settings
        self._transport = transport
        self._connection = transport.connect(settings, answer_bytes=answer_bytes, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self._connection.close()

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """Return the series as they were at that Unix time, in milliseconds; none is an answer as well.

        Raises PrometheusError when no whole answer came within the timeout, or any of it is not as it should
        be: an error, a redirect, a part, another kind of result, a series that was not asked for, or a clock
        that is not ours.
        """
        fault: str
        try:
            return vector(self._ask(str(query), at_seconds), query.selector, at_seconds)
        except (AnswerError, RecursionError) as error:
            fault = str(error)
        raise PrometheusError(self._without_token(f"{query.selector.metric} {fault}"))

    def _ask(self, query: str, at_seconds: float) -> object:
        from urllib3.exceptions import HTTPError

        from setpoint.prom.deadline import total_timeout

        seconds = self._settings.timeout_seconds
        try:
            return self._connection.custom_query(
                query,
                params={"time": f"{at_seconds:.3f}", "timeout": f"{seconds:g}"},
                timeout=total_timeout(seconds),
            )
        except (OSError, HTTPError) as error:
            raise AnswerError(self._transport.failure(error, seconds)) from None

    def _without_token(self, text: str) -> str:
        """The text, in case that the other side has repeated what it was sent."""
        path = self._settings.token_file
        if path is None:
            return text
        try:
            return text.replace(self._transport.read_token(path), "[redacted]")
        except AnswerError:
            return text
