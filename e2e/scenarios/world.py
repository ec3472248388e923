"""A namespace of the cluster as a user sees it: apply, look, ask, wait."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import images, pods
from e2e.installation import NAMESPACE as OPERATOR_NAMESPACE
from e2e.installation import Kubectl, wait_until

CHAT = "chat"
ALLOWED_NODE_PATH = "/var/lib/models"
"""The folder of the nodes in which the installed chart allows models."""


@dataclass(frozen=True)
class World:
    """One namespace, and the stand-in engine's image."""

    kubectl: Kubectl
    namespace: str
    stand_in: images.Image

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Kubectl in this namespace."""
        return self.kubectl.run("--namespace", self.namespace, *arguments, given=given)

    def get(self, *arguments: str) -> Any:
        """An object, or the items of a list."""
        found = json.loads(self.run("get", *arguments, "-o", "json"))
        return found["items"] if found["kind"] == "List" else found

    def service(self, **spec: Any) -> dict[str, Any]:
        """An InferenceService on the stand-in engine; `spec` replaces whole fields."""
        return {
            "apiVersion": "setpoint.dev/v1alpha1",
            "kind": "InferenceService",
            "metadata": {"name": CHAT, "namespace": self.namespace},
            "spec": {
                "model": {"uri": images.MODEL_URI, "name": "tiny"},
                "engine": self.engine(),
                **spec,
            },
        }

    def engine(self, *args: str, **fields: Any) -> dict[str, Any]:
        """The stand-in engine with these arguments; `fields` are further ones of spec.engine."""
        return {"image": self.stand_in.reference, "drainTimeout": "10s", "args": list(args), **fields}

    def apply(self, manifest: dict[str, Any]) -> None:
        """`kubectl apply`."""
        self.run("apply", "-f", "-", given=json.dumps(manifest))

    def condition(self, kind: str, name: str = CHAT) -> tuple[str, str, str]:
        """Status, reason and message of a condition that speaks of the newest spec; empty before there is
        one.
        """
        found = self.get("infsvc", name)
        status = found.get("status", {})
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return "", "", ""
        condition = next(item for item in status["conditions"] if item["type"] == kind)
        return condition["status"], condition["reason"], condition["message"]

    def wait_for(self, kind: str, reason: str, *, seconds: float = 120) -> str:
        """Wait for a condition's reason, and return its message."""
        wait_until(f"{kind} is {reason}", lambda: self.condition(kind)[1] == reason, seconds=seconds)
        return self.condition(kind)[2]

    def wait_until_complete(self, *, seconds: float = 120) -> None:
        """Wait until the newest spec is rolled out whole."""
        self.wait_for("Progressing", "Complete", seconds=seconds)

    def wait_for_replicas(self, summary: str) -> None:
        """Wait until so many pods are routable of those wanted, such as 2/2.

        Rolled out is said once for each spec; a pod may stop being ready a moment later, and be again.
        """
        wait_until(
            f"replicas are {summary}",
            lambda: self.get("infsvc", CHAT)["status"].get("replicaSummary") == summary,
        )

    def pods(self) -> list[dict[str, Any]]:
        """The engine's pods."""
        found: list[dict[str, Any]] = self.get("pods", "--selector", f"setpoint.dev/inferenceservice={CHAT}")
        return found

    def run_pod(self, name: str, *command: str) -> None:
        """Start a pod that runs a command of the stand-in image."""
        self.run("apply", "-f", "-", given=json.dumps(_pod(name, self.stand_in.reference, command)))
        wait_until(
            f"pod {name} runs", lambda: self.get("pod", name)["status"]["phase"] in ("Running", "Succeeded")
        )

    def chat(self, model: str = "tiny") -> str:
        """Ask for a streamed chat completion by the Service's name, from inside the cluster; the text."""
        url = self.get("infsvc", CHAT)["status"]["url"]
        # As base64, since the kubelet would expand $(NAME) in a command too.
        body = base64.b64encode(json.dumps(_question(model)).encode()).decode()
        script = _ASK.format(url=url, body=body)
        name = "asks"
        self.run("delete", "pod", name, "--ignore-not-found", "--grace-period=1")
        self.run_pod(name, "python3", "-c", script)
        wait_until("the answer", lambda: self.get("pod", name)["status"]["phase"] in ("Succeeded", "Failed"))
        return self.run("logs", name)

    def start_load(self) -> "Load":
        """Start asking at a steady rate, from a pod of its own, once kube-proxy has the endpoints."""
        self.chat()
        url = self.get("infsvc", CHAT)["status"]["url"]
        self.run_pod("load", "python3", "-m", "e2e.fakes.client", url, "tiny", "--rate=10")
        return Load(self)

    @contextmanager
    def watch(self) -> Iterator["Watch"]:
        """Note every version of the InferenceService from now on."""
        command = [str(self.kubectl.program), f"--kubeconfig={self.kubectl.kubeconfig}"]
        command += [f"--namespace={self.namespace}", "get", "infsvc", CHAT, "--watch", "--output=json"]
        with tempfile.NamedTemporaryFile() as seen, subprocess.Popen(command, stdout=seen) as process:
            try:
                yield Watch(self, Path(seen.name))
            finally:
                process.terminate()

    def leader(self) -> str:
        """The name of the operator's leading replica, by its Lease."""
        lease = self.kubectl.get("lease", "setpoint", "--namespace", OPERATOR_NAMESPACE)
        name: str = lease["spec"]["holderIdentity"]
        return name

    def kill_leader(self) -> str:
        """Kill the operator's leading replica without a chance to say goodbye; its name."""
        leader = self.leader()
        self.kubectl.run(
            "delete", "pod", leader, "--namespace", OPERATOR_NAMESPACE, "--grace-period=0", "--force"
        )
        return leader


@dataclass(frozen=True)
class Load:
    """The pod that asks at a steady rate."""

    world: World

    def counts(self) -> dict[str, Any]:
        """What became of its requests so far."""
        lines = self.world.run("logs", "load", "--tail=1").splitlines()
        return json.loads(lines[-1]) if lines else {"sent": 0, "answered": 0, "failed": 0, "failures": {}}


@dataclass(frozen=True)
class Watch:
    """The versions of the InferenceService that a `kubectl get --watch` has printed into a file."""

    world: World
    seen: Path

    def condition(self, kind: str) -> list[dict[str, Any]]:
        """A condition as it was in each version, up to the newest."""
        wait_until(
            "the watch is up to date",
            lambda: self._versions()[-1:] == [self.world.get("infsvc", CHAT)],
        )
        return [
            next(item for item in version["status"]["conditions"] if item["type"] == kind)
            for version in self._versions()
        ]

    def _versions(self) -> list[dict[str, Any]]:
        text, position, versions = self.seen.read_text(), 0, []
        while position < len(text):
            try:
                version, position = json.JSONDecoder().raw_decode(text, position)
            except json.JSONDecodeError:  # kubectl has not printed it whole yet
                break
            versions.append(version)
            position += len(text[position:]) - len(text[position:].lstrip())
        return versions


def _question(model: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": "What is a setpoint?"}],
        "max_tokens": 12,
        "stream": True,
    }


_ASK = """
import base64, time, urllib.error, urllib.request
headers = {{"Content-Type": "application/json"}}
request = urllib.request.Request("{url}/chat/completions", base64.b64decode("{body}"), headers)
deadline = time.monotonic() + 30
while True:
    try:
        response = urllib.request.urlopen(request, timeout=10)
        break
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.2)
for line in response:
    print(line.decode().strip())
"""
"""A node's kube-proxy learns of new endpoints a second or two after the API server has them: until then a
connection is refused, or lost for good when its first packet came before any rule. So connecting is tried
again, asking is not."""


def _pod(name: str, image: str, command: tuple[str, ...]) -> dict[str, Any]:
    spec = pods.restricted_spec(image, command)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
