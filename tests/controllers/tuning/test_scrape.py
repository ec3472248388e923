"""The look at all engines: what it does to the process that it runs in."""

import gc

from setpoint.controllers.tuning.scrape import engines_by
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Query
from setpoint.signals.series import Series


class Collected:
    """A Prometheus that remembers whether the collector of cycles ran while it was asked."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.was_enabled: set[bool] = set()
        self._failure = failure

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """Answer with nothing, or fail."""
        del query, at_seconds
        self.was_enabled.add(gc.isenabled())
        if self._failure is not None:
            raise self._failure
        return ()


def test_the_collector_rests_during_a_look_and_runs_after_it() -> None:
    prometheus = Collected()
    engines_by(prometheus, 30)(1e9)
    assert (prometheus.was_enabled, gc.isenabled()) == ({False}, True)


def test_the_collector_runs_after_a_look_that_failed() -> None:
    engines = engines_by(Collected(PrometheusError("up had no answer")), 30)(1e9)
    assert (engines.failure, gc.isenabled()) == ("Prometheus: up had no answer", True)


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        engines_by(Collected(), 30)(1e9)
        assert not gc.isenabled()
    finally:
        gc.enable()
