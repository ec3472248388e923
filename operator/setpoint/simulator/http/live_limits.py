"""The live channel: what the limits files want becomes what the engine keeps to, and /metrics shows it.

A wanted limit is never looser than what the engine was started with, also when it goes back to that after the
lease of the newest file. What cannot be read, or is no limits file, changes nothing.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from setpoint.simulator.http.series import Registry
from setpoint.simulator.http.verdicts import Verdicts
from setpoint_vllm.complaints import Complaints
from setpoint_vllm.limits_file import Limit, LimitsFile
from setpoint_vllm.limits_files import LimitsFiles

LOOK_SECONDS = 0.5
_LIMIT, _RANK = "setpoint_engine_limit", "0"

Values = Mapping[Limit, float]
"""A value for each limit; infinite where there is none."""


def in_force(file: LimitsFile, now: float, start: Values) -> dict[Limit, float]:
    """The limits at Unix time `now`."""
    wanted: dict[Limit, float] = {**file.wanted(now)}
    if not wanted.get(Limit.LONG_PREFILL):
        wanted[Limit.LONG_PREFILL] = math.inf
    return {limit: min(wanted.get(limit, math.inf), start[limit]) for limit in Limit}


class LiveLimits:
    """Follows the files."""

    def __init__(
        self,
        files: Sequence[Path],
        start: Values,
        apply: Callable[[Values], Values],
        registry: Registry,
        verdicts: Verdicts,
        unix_time: Callable[[], float],
    ) -> None:
        self._files = LimitsFiles(files, Complaints(logging.getLogger("setpoint.simulator")))
        self._start = start
        self._apply = apply
        self._registry = registry
        self._verdicts = verdicts
        self._unix_time = unix_time
        self._file = LimitsFile()
        self.values: Values = dict(start)
        """What is in force."""

    def look(self) -> None:
        """Read the files, and put into force what the newest wants."""
        self._file = self._files.newest(self._file)
        wanted = in_force(self._file, self._unix_time(), self._start)
        self.values = self._apply(wanted)
        self._verdicts.objectives = self._file.objectives
        self._show()

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def _show(self) -> None:
        gauge = self._registry.gauge
        for limit, value in self.values.items():
            gauge(_LIMIT, "Limit in force in an engine rank", engine=_RANK, limit=limit).value = value
            text = "Limit with which an engine rank was started"
            gauge(f"{_LIMIT}_start", text, engine=_RANK, limit=limit).value = self._start[limit]
        text = "Generation of the limits in force in an engine rank, by who wrote them; the highest counts"
        generation = gauge(f"{_LIMIT}_generation", text, engine=_RANK, writer=self._file.writer)
        generation.value = self._file.generation
        text = "Unix time at which an engine rank last told its limits"
        gauge(f"{_LIMIT}_confirmed_timestamp_seconds", text, engine=_RANK).value = self._unix_time()
        gauge(f"{_LIMIT}s_supported", "Whether the limits of this engine can be moved").value = 1
