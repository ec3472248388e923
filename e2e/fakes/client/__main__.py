"""`python -m e2e.fakes.client URL MODEL`: streamed chat completions at a steady rate until ended.

An open loop: a request is sent when its time has come, however the earlier ones fare. Each has a connection
of its own, as behind a gateway that follows the endpoints: a connection kept open would pin a client to one
pod. Once a second, and at the end, it prints one JSON line of counts. Failures are told by kind, with the
time (UTC) at which the request was sent, to be held against what the cluster did then.
"""

import argparse
import asyncio
import itertools
import json
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

PROMPT = "Tell me of the sea."
TIMEOUT_SECONDS = 60


@dataclass
class Counts:
    """What became of the requests so far."""

    sent: int = 0
    answered: int = 0
    failures: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """For each kind of failure, when its requests were sent."""

    def show(self) -> None:
        """Print one line."""
        line = {
            "sent": self.sent,
            "answered": self.answered,
            "failed": sum(map(len, self.failures.values())),
            "failures": self.failures,
        }
        print(json.dumps(line), flush=True)


async def ask(url: str, model: str, tokens: int, counts: Counts) -> None:
    """Send one request and read its stream to the end."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": tokens,
        "stream": True,
    }
    counts.sent += 1
    sent_at = datetime.now(UTC).strftime("%H:%M:%S.%f")
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as session,
            session.post(f"{url}/chat/completions", json=body) as response,
        ):
            text = await response.text()
            if response.status != 200:
                counts.failures[f"status {response.status}"].append(sent_at)
            elif "data: [DONE]" not in text:
                counts.failures["cut stream"].append(sent_at)
            else:
                counts.answered += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        counts.failures[f"{type(error).__name__}: {error.__cause__ or error}"].append(sent_at)


async def run(url: str, model: str, rate: float, tokens: int) -> None:
    """Ask until SIGTERM, then wait for the answers that are still due."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    counts = Counts()
    started = shown = time.monotonic()
    async with asyncio.TaskGroup() as requests:
        for sequence in itertools.count():
            due = started + sequence / rate
            try:
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await ended.wait()
                break
            except TimeoutError:
                requests.create_task(ask(url, model, tokens, counts))
            if time.monotonic() - shown >= 1:
                shown = time.monotonic()
                counts.show()
    counts.show()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m e2e.fakes.client", description=__doc__)
    parser.add_argument("url", help="base URL of the API, ending in /v1")
    parser.add_argument("model", help="name of the model")
    parser.add_argument("--rate", type=float, default=10, help="requests a second")
    parser.add_argument("--tokens", type=int, default=16, help="tokens of each answer")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, arguments.model, arguments.rate, arguments.tokens))


if __name__ == "__main__":
    main()
