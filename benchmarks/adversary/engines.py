"""One engine of an hour: what it is sent, what it is told, and what is scraped of it."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from benchmarks.adversary.pods import Life
from benchmarks.virtual.engine import VirtualEngine
from benchmarks.virtual.verdicts import Verdicts
from setpoint.signals.reading import Counters, Reading
from setpoint.simulator.experiment import Service
from setpoint.simulator.play import Play, Sent
from setpoint.simulator.record import Answer
from setpoint.simulator.replica import Replica
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import LimitsFile, newest, parse


class LivingEngine:
    """A virtual engine by itself, with its own clients' record."""

    def __init__(self, life: Life, service: Service, objectives: Sequence[Objective]) -> None:
        self.life = life
        self.virtual = VirtualEngine(service, life.ready_seconds)
        parameters = service.parameters
        self._play = Play([Replica(self.virtual.engine, parameters)], parameters.network_seconds)
        self._verdicts = Verdicts(objectives)
        self._zero = Counters()
        self._on_their_way: list[tuple[float, str]] = []
        """Files, and when they reach it."""
        self._believed = LimitsFile()
        self._text = ""

    @property
    def answers(self) -> list[Answer]:
        """All requests that it has answered to their end."""
        return self._play.record.answers

    def send(self, requests: Sequence[Sent]) -> None:
        """Let these be sent to it, all still to come."""
        self._play.send(requests)

    def run_until(self, now: float, slowness: float) -> None:
        """Let time pass; nothing happens in one that has ended, unless it drains."""
        self.virtual.slowness = slowness
        end = inf if self.life.drains else self.life.ends_seconds
        self._play.run_until(min(now, end))
        self._verdicts.follow(self._play.record)

    def told(self, text: str, arrives_seconds: float) -> None:
        """Let a limits file reach it at that time."""
        self._on_their_way.append((arrives_seconds, text))

    def keep_to_what_came(self, now: float) -> None:
        """Keep to the newest of the files that have come, which may run out meanwhile."""
        for _, text in (each for each in self._on_their_way if each[0] <= now):
            file = parse(text)
            if newest([file], self._believed) is file:
                self._believed, self._text = file, text
        self._on_their_way = [each for each in self._on_their_way if each[0] > now]
        if self._text:
            self.virtual.tell(now, self._text)

    def forget_counters(self, now: float) -> None:
        """Let its counters begin anew."""
        self._zero = self._counted(now).counters

    def scraped(self, now: float) -> Reading:
        """Return what a scrape finds."""
        reading = self._counted(now)
        return replace(reading, counters=reading.counters - self._zero)

    def _counted(self, now: float) -> Reading:
        return self._verdicts.shown_by(self.virtual.reading(now), len(self._play.record.shed))
