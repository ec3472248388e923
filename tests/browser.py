"""Chromium without a window, driven by the DevTools protocol over a pipe: no port is opened.

The protocol: https://chromedevtools.github.io/devtools-protocol/. With `--remote-debugging-pipe` Chromium
reads commands from file descriptor 3 and writes answers and events to 4, each JSON text ended by a zero byte.
"""

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from e2e.clusters import packages
from tests.tiers import missing

_PATIENCE_SECONDS = 60.0
_END_SECONDS = 5.0
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # which needs user namespaces, and refuses root; only pages of the tests are opened
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)


class Browser:
    """One browser with one page. As a context manager it runs from entry to exit."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._exit = contextlib.ExitStack()
        self._number = 0
        self._received = b""
        self.events: list[dict[str, Any]] = []
        """What the page told on its own since it was opened."""

    def __enter__(self) -> Self:
        try:
            home = self._exit.enter_context(
                tempfile.TemporaryDirectory(prefix="setpoint-browser-", ignore_cleanup_errors=True)
            )
            self._start(Path(home))
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.send(f"{domain}.enable")
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self, home: Path) -> None:
        self._session = ""
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._log = home / "log"
        with self._log.open("wb") as log:
            # The shell puts the pipes where Chromium expects them.
            script = f'exec "$@" 3</dev/fd/{commands} 4>/dev/fd/{answers}'
            process = subprocess.Popen(
                ["sh", "-c", script, "sh", self._program, *_FLAGS, f"--user-data-dir={home}/profile"],
                env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(commands, answers),
                start_new_session=True,
            )
        os.close(commands)
        os.close(answers)
        self._exit.callback(self._end, process)
        self._exit.callback(os.close, self._answers)
        self._exit.callback(os.close, self._commands)

    @staticmethod
    def _end(process: "subprocess.Popen[bytes]") -> None:
        """Wait for the browser to end, as it does when its pipe is closed, and end what it leaves behind."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result. Raises AssertionError when the browser refuses it."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])
            self.events.append(message)

    def wait_for(self, event: str) -> None:
        """Wait until the page has told of an event."""
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self._answers, 1 << 20) if ready else b""
            assert more, f"the browser is silent: {self._log.read_text(errors='replace')[-2000:]}"
            self._received += more
        message, self._received = self._received.split(b"\0", 1)
        return dict(json.loads(message))

    def open(self, url: str, *, width: int, dark: bool = False) -> None:
        """Load a page into a window of this width, and wait until it is there."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of these methods."""
        return [message["params"] for message in self.events if message.get("method") in methods]

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture))


def chromium() -> str:
    """Return the program. Without it the test fails where its tier is required, and is skipped elsewhere."""
    found = packages.find("chromium")
    if found is None:
        missing("browser", "no Chromium is installed: on Debian, apt-get install chromium")
    return found
