"""Brings faults about, and ends them, while the engine runs."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from setpoint.simulator.http.faults import Faults, parse_faults
from setpoint.simulator.http.scrape import Scrape
from setpoint.simulator.http.series import Registry
from setpoint.simulator.step import Step

LOOK_SECONDS = 0.5
_log = logging.getLogger("setpoint.simulator")


class Pace:
    """How long a step takes in real time: what the model of the GPU says, times two factors."""

    def __init__(self, step_seconds: Callable[[Step], float], time_scale: float) -> None:
        self._step_seconds = step_seconds
        self._time_scale = time_scale
        self.slowness = 1.0
        """1 for a GPU that is well."""

    def __call__(self, step: Step) -> float:
        return self._step_seconds(step) * self._time_scale * self.slowness


class FaultControl:
    """What is wrong now. `hang` is called with whether waiting requests are kept out."""

    def __init__(self, pace: Pace, hang: Callable[[bool], None], scrape: Scrape, registry: Registry) -> None:
        self._pace = pace
        self._hang = hang
        self._scrape = scrape
        self._registry = registry
        self._now = Faults()
        self._complaint = ""
        self.crashed = asyncio.Event()
        """Set when the engine core is to die; it stays dead."""

    def apply(self, faults: Faults) -> None:
        """Let exactly these faults hold."""
        before, self._now = self._now, faults
        if faults == before:
            return
        _log.warning("faults now: %s", faults)
        self._pace.slowness = faults.slow
        self._hang(faults.hang)
        self._scrape.freeze(faults.metrics_frozen)
        self._scrape.refused = faults.metrics_refused
        self._registry.copies = 2 if faults.double_count else 1
        if faults.counters_reset and not before.counters_reset:
            self._registry.reset()
            self._scrape.restarted()
        if faults.crash:
            self.crashed.set()

    async def follow(self, path: Path) -> None:
        """Do what the file says, until cancelled. While there is no file, or no good one, nothing changes."""
        while True:
            self.look(path)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self, path: Path) -> None:
        """Do what the file says now."""
        try:
            faults = parse_faults(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                _log.warning("%s: %s", path, error)
            return
        self.apply(faults)
