"""kubectl, and plain requests, against the session's API server with the CRD installed."""

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.apiserver import ApiServer
from tests.kubectl import kubectl

_OBJECTS = "/apis/setpoint.dev/v1alpha1/namespaces/default"


class Kubectl:
    """The real kubectl, as an administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Return what kubectl prints; AssertionError with what it complains of when it fails."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def until_done(self, *arguments: str) -> None:
        """Run kubectl until it succeeds; AssertionError when it does not within half a minute."""
        deadline = time.monotonic() + 30
        while (done := self.run(*arguments)).returncode != 0:
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.1)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl and return how it ended."""
        return kubectl(f"--kubeconfig={self._kubeconfig}", *arguments, stdin=stdin)


@dataclass(frozen=True)
class Answer:
    """What the API server says to a submitted object."""

    accepted: bool
    body: dict[str, Any]

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Field and message of each fault."""
        causes = self.body.get("details", {}).get("causes", [])
        return [(cause.get("field", ""), cause.get("message", "")) for cause in causes]


class Admission:
    """Submits objects as they are, byte for byte, without a client's own checks."""

    def __init__(self, api_server: ApiServer, plural: str = "inferenceservices") -> None:
        self._plural = plural
        config = yaml.safe_load(api_server.kubeconfig.read_text())
        self._url = api_server.url
        self._token = config["users"][0]["user"]["token"]
        self._trust = ssl.create_default_context(
            cafile=config["clusters"][0]["cluster"]["certificate-authority"]
        )

    def create(self, submitted: dict[str, Any]) -> Answer:
        """Try to create an object, strictly, without storing it."""
        return self.send("POST", "?dryRun=All&fieldValidation=Strict", submitted)

    def send(self, method: str, where: str, body: dict[str, Any]) -> Answer:
        """Send a request about the objects of the namespace default."""
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}{_OBJECTS}/{self._plural}{where}",
            json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._trust) as response:  # noqa: S310
                return Answer(True, json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(False, json.load(error))
