"""The main job, told on a terminal: a promise is broken, is kept without a restart, and traffic turns."""

import time
from dataclasses import dataclass
from typing import Any

from e2e import images, loads
from e2e.clusters import ClusterError
from e2e.clusters.progress import say
from e2e.installation import Kubectl, wait_until
from e2e.story_table import Part, plotted, table

NAME = "promise"
PROMISE = loads.Promise(itl_seconds=0.05 * loads.TIME_SCALE, ttft_seconds=2.0 * loads.TIME_SCALE)
"""An edge of vLLM's histogram of gaps: Prometheus knows what lies beyond it."""
QUIET_RATE, BUSY_RATE, LONG_RATE = 12 / loads.TIME_SCALE, 45 / loads.TIME_SCALE, 3 / loads.TIME_SCALE
PARTS = (
    Part("quiet", "Recommend", "chat", QUIET_RATE, stage_seconds=40),
    Part("busy", "Recommend", "chat", BUSY_RATE, stage_seconds=65),
    Part("held", "Auto", "chat", BUSY_RATE, stage_seconds=50, stages=2),
    Part("long", "Auto", "long prompts", LONG_RATE, 90, 2, ("--prompt-tokens=uniform:5632:7680",)),
)
READY_SECONDS = 120
ENDS_SECONDS = 120


@dataclass
class Story:
    """One service of a simulated engine, in a namespace of the demo."""

    kubectl: Kubectl
    namespace: str
    stand_in: images.Image
    operator: images.Image
    _began: float = 0.0
    _said: str = ""
    _mode: str = "Recommend"

    def tell(self) -> None:
        """Everything, in order. Raises ClusterError when anything does not come about."""
        self.kubectl.apply(self._service())
        wait_until("the service is rolled out", self._is_complete, seconds=READY_SECONDS)
        before = self._container()
        say(
            f"The engine is a simulated H100, {loads.TIME_SCALE} times slower than one, with vLLM's default"
            f" limits. The promise is 95 % of the gaps between tokens within"
            f" {1000 * PROMISE.itl_seconds:.0f} ms."
        )
        self._began = time.monotonic()
        reports = []
        for part in PARTS:
            if part.mode != self._mode:
                self._turn_to(part.mode)
            say(f"  {part.load}, {part.rate_per_second:g} requests a second:")
            reports.append((part, self._load(part)))
        moments = plotted(self.kubectl, self.namespace, NAME, reports)
        say(table(reports, moments))
        after = self._container()
        if after != before:
            raise ClusterError(f"the engine was restarted: {before} before, {after} after")
        say(f"  the same container before and after: {after}\n")
        say(moments.plot(PROMISE.itl_seconds))

    def _turn_to(self, mode: str) -> None:
        say(f"  {self._mode} says: {self._tuning().get('recommendation', 'nothing')}")
        say(f"  kubectl patch: tuning.mode is {mode} now")
        self._mode = mode
        self.kubectl.apply(self._service())

    def _load(self, part: Part) -> dict[str, Any]:
        """Put the service under a part of the load, and return the report."""
        load = loads.LoadTest(
            self.kubectl,
            self.namespace,
            f"{NAME}-{part.name}",
            self.operator,
            self._status()["url"],
            (
                *loads.at_rates(
                    *[part.rate_per_second] * part.stages, stage_seconds=part.stage_seconds, promise=PROMISE
                ),
                *part.arguments,
            ),
        )
        load.start()
        began = time.monotonic()
        try:
            while not load.has_ended():
                elapsed = time.monotonic() - began
                if elapsed > part.stages * part.stage_seconds + ENDS_SECONDS:
                    raise ClusterError(
                        f"the load did not end: kubectl logs -n {self.namespace} job/{load.name}"
                    )
                self._tell_news()
                time.sleep(1)
            return load.report()
        finally:
            load.stop()

    def _tell_news(self) -> None:
        tuning, conditions = self._tuning(), self._conditions()
        limits = ", ".join(f"{name} {value}" for name, value in (tuning.get("inForce") or {}).items())
        met = conditions.get("SLOMet", {})
        news = f"SLOMet {met.get('status')} ({met.get('reason')}), in force: {limits or 'start values'}"
        if news != self._said:
            self._said = news
            say(f"  {time.monotonic() - self._began:4.0f} s  {news}")

    def _service(self) -> dict[str, Any]:
        return {
            "apiVersion": "setpoint.dev/v1alpha1",
            "kind": "InferenceService",
            "metadata": {"name": NAME, "namespace": self.namespace},
            "spec": loads.promising(self.stand_in, PROMISE, tuning={"mode": self._mode}),
        }

    def _status(self) -> dict[str, Any]:
        found = self.kubectl.get("infsvc", NAME, "--namespace", self.namespace)
        status: dict[str, Any] = found.get("status", {})
        return status

    def _tuning(self) -> dict[str, Any]:
        tuning: dict[str, Any] = self._status().get("tuning", {})
        return tuning

    def _conditions(self) -> dict[str, Any]:
        return {each["type"]: each for each in self._status().get("conditions", ())}

    def _is_complete(self) -> bool:
        return bool(self._conditions().get("Progressing", {}).get("reason") == "Complete")

    def _container(self) -> str:
        selector = f"setpoint.dev/inferenceservice={NAME}"
        pods = self.kubectl.get("pods", "--namespace", self.namespace, "--selector", selector)["items"]
        (status,) = pods[0]["status"]["containerStatuses"]
        return str(status["containerID"])
