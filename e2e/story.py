"""The main job, told on a terminal: a promise broken by a burst, and kept again without a restart."""

import time
from dataclasses import dataclass
from typing import Any

from e2e import images, loads
from e2e.clusters import ClusterError
from e2e.clusters.progress import say
from e2e.installation import Kubectl, wait_until

NAME = "promise"
STAGE_SECONDS = 40
STAGES = (
    (loads.QUIET_RATE, "Recommend"),
    (loads.BUSY_RATE, "Recommend"),
    (loads.BUSY_RATE, "Auto"),
    (loads.BUSY_RATE, "Auto"),
)
READY_SECONDS = 120
SPEAKS_SECONDS = 20
ENDS_SECONDS = 120


@dataclass
class Story:
    """One service of a simulated engine, in a namespace of the demo."""

    kubectl: Kubectl
    namespace: str
    stand_in: images.Image
    operator: images.Image
    _said: str = ""

    def tell(self) -> None:
        """Everything, in order. Raises ClusterError when anything does not come about."""
        self.kubectl.apply(self._service("Recommend"))
        wait_until("the service is rolled out", self._is_complete, seconds=READY_SECONDS)
        before = self._container()
        load = loads.LoadTest(
            self.kubectl,
            self.namespace,
            f"{NAME}-load",
            self.operator,
            self._status()["url"],
            loads.at_rates(*(rate for rate, _ in STAGES), stage_seconds=STAGE_SECONDS),
        )
        say(
            f"{loads.QUIET_RATE:g} requests a second, then a burst of {loads.BUSY_RATE:g}. The engine is a"
            f" simulated H100, {loads.TIME_SCALE} times slower than one: the promise is 95 % of the gaps"
            f" between tokens within {1000 * loads.ITL_SECONDS:.0f} ms."
        )
        load.start()
        began = time.monotonic()
        is_auto = False
        try:
            while not load.has_ended():
                elapsed = time.monotonic() - began
                if elapsed > len(STAGES) * STAGE_SECONDS + ENDS_SECONDS:
                    raise ClusterError(
                        f"the load did not end: kubectl logs -n {self.namespace} job/{load.name}"
                    )
                if not is_auto and self._is_time_for_auto(elapsed):
                    is_auto = True
                    say(f"  Recommend says: {self._tuning().get('recommendation', 'nothing')}")
                    say("  kubectl patch: tuning.mode is Auto now")
                    self.kubectl.apply(self._service("Auto"))
                self._tell_news(elapsed)
                time.sleep(1)
            report = load.report()
        finally:
            load.stop()
        say(table(report))
        after = self._container()
        if after != before:
            raise ClusterError(f"the engine was restarted: {before} before, {after} after")
        say(f"  the same container before and after: {after}")

    def _tell_news(self, elapsed: float) -> None:
        tuning, conditions = self._tuning(), self._conditions()
        limits = tuning.get("inForce") or "start values"
        met = conditions.get("SLOMet", {})
        news = f"SLOMet {met.get('status')} ({met.get('reason')}), in force: {limits}"
        if news != self._said:
            self._said = news
            say(f"  {elapsed:4.0f} s  {news}")

    def _is_time_for_auto(self, elapsed_seconds: float) -> bool:
        """Whether the burst has gone on for its time, and Recommend has spoken, or had time enough to."""
        late_seconds = elapsed_seconds - 2 * STAGE_SECONDS
        return late_seconds > 0 and (late_seconds > SPEAKS_SECONDS or "recommendation" in self._tuning())

    def _service(self, mode: str) -> dict[str, Any]:
        return {
            "apiVersion": "setpoint.dev/v1alpha1",
            "kind": "InferenceService",
            "metadata": {"name": NAME, "namespace": self.namespace},
            "spec": loads.promising(self.stand_in, tuning={"mode": mode}),
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


def table(report: dict[str, Any]) -> str:
    """What the client saw, stage by stage."""
    lines = [f"  {'mode':10} {'requests/s':>10} {'ITL p95':>10} {'TTFT p95':>10} {'good':>7} {'shed':>6}"]
    for (_, mode), stage in zip(STAGES, report["stages"], strict=True):
        offered = stage["requests_offered"]
        lines.append(
            f"  {mode:10} {stage['load']['rate_per_second']:>10g}"
            f" {_milliseconds(stage['itl']):>10} {_milliseconds(stage['ttft']):>10}"
            f" {stage['good'] / offered if offered else 0:>7.1%} {stage['errors'].get('http_503', 0):>6}"
        )
    return "\n".join(lines)


def _milliseconds(latency: dict[str, Any] | None) -> str:
    return f"{1000 * latency['p95']['value']:.0f} ms" if latency else "-"
