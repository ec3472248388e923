"""A service whose one engine a test speaks for, and what its status tells cycle by cycle. No API server."""

from dataclasses import dataclass, field
from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.controllers.report import rfc3339
from setpoint.controllers.subject import Subject
from setpoint.controllers.tuning.status import status_of
from setpoint.controllers.tuning.tuned import Tuned, cycle, settings_of
from setpoint.kube.objects import Object
from setpoint.orchestrations.live_limits import limits_file
from setpoint.tuner.record import Record
from setpoint.tuner.state import Observation
from setpoint_vllm.limits_file import parse
from tests.builders import inference_service_object
from tests.controllers.tuning.engines import FakeEngine

UID = "uid-1"
CYCLE_SECONDS, WINDOW_SECONDS = 15.0, 300.0


def promise(threshold: str = "30ms", percentile: int = 95) -> dict[str, Any]:
    """One objective."""
    objective = {
        "name": "between-tokens",
        "metric": "InterTokenLatency",
        "threshold": threshold,
        "percentile": percentile,
    }
    return {"objectives": [objective]}


@dataclass
class Watched:
    """The tuner's part of the operator, as it goes from cycle to cycle."""

    slo: dict[str, Any] = field(default_factory=promise)
    mode: str = "Recommend"
    spec: dict[str, Any] = field(default_factory=dict)
    """Further fields of the service's spec."""
    generation: int = 1
    engine: FakeEngine = field(default_factory=lambda: FakeEngine("team-a"))
    tuned: Tuned = field(default_factory=Tuned)
    told: str | None = None
    status: Object = field(default_factory=dict)
    since: float = 0.0
    """When the operator started."""

    def promises(self, threshold: str) -> None:
        """Somebody changes the spec."""
        self.slo, self.generation = promise(threshold), self.generation + 1

    def restart(self) -> None:
        """The operator starts anew, and knows what stands."""
        self.tuned, self.since = Tuned(), self.engine.now

    def tell(self) -> None:
        """The limits file is written, and the engine keeps to it."""
        seen = [self.told] if self.told else []
        self.told = limits_file(self._service(), writer=UID, seen=seen, generation=self.generation)
        self.engine.told = parse(self.told)

    def look(
        self,
        cycles: int = 1,
        *,
        bad_share: float = 0.0,
        missing: dict[str, str] | None = None,
        outdone: Reason | None = None,
    ) -> Record:
        """Serve for as long as a cycle takes, and do one; so often. The last one's record."""
        for _ in range(cycles):
            self.engine.serve(CYCLE_SECONDS, bad_share=bad_share)
            record = self._cycle(missing or {}, outdone)
        return record

    def _cycle(self, missing: dict[str, str], outdone: Reason | None) -> Record:
        now = self.engine.now
        readings = (
            {} if missing else {name: each for (_, name), each in self.engine.look(now).readings.items()}
        )
        service = self._service()
        settings = settings_of(service, UID, killed=False, interval_seconds=CYCLE_SECONDS)
        observation = Observation(now, readings, missing)
        record, self.tuned = cycle(self.tuned, observation, settings, self.told, WINDOW_SECONDS)
        self.status = status_of(
            service,
            Subject(self._object()),
            self.tuned,
            record.decision,
            observation,
            settings,
            now=rfc3339(now),
            outdone=outdone,
            is_young=now - self.since < WINDOW_SECONDS,
        )
        return record

    def _object(self) -> Object:
        written = inference_service_object(slo=self.slo, tuning={"mode": self.mode}, **self.spec)
        written["metadata"] |= {"uid": UID, "generation": self.generation}
        return {**written, "status": self.status}

    def _service(self) -> InferenceService:
        return InferenceService.model_validate(self._object())

    def _condition(self, kind: str) -> Object:
        (found,) = (each for each in self.status["conditions"] if each["type"] == kind)
        return dict(found)

    @property
    def slo_met(self) -> tuple[str, str]:
        """Status and reason of the condition SLOMet."""
        found = self._condition("SLOMet")
        return found["status"], found["reason"]

    @property
    def message(self) -> str:
        """That condition's message."""
        return str(self._condition("SLOMet")["message"])
