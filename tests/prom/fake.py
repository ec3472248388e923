"""A Prometheus that answers as a test tells it, on a real socket."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AT_SECONDS = 1_795_000_000.25


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    peer: tuple[str, int]


class Handler(BaseHTTPRequestHandler):
    """What a behaviour answers with."""

    protocol_version = "HTTP/1.1"
    fake: "FakePrometheus"
    asked: Asked

    def do_GET(self) -> None:
        """Remember the request, and behave."""
        url = urlsplit(self.path)
        parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked = Asked(url.path, parameters, dict(self.headers), self.client_address)
        self.fake.asked.append(self.asked)
        try:
            self.fake.behaviour(self)
        except OSError:
            # The client has gone.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def send(self, body: bytes, *, status: int = 200, promised: int | None = None, **headers: str) -> None:
        """Answer; `promised` is a length other than the body's, after which the connection ends."""
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = promised is not None


Behaviour = Callable[[Handler], None]


@dataclass
class FakePrometheus:
    """Where it is, how it behaves, and what it was asked."""

    url: str
    behaviour: Behaviour
    asked: list[Asked] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def fake_prometheus(
    behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[FakePrometheus]:
    """Run one; without a behaviour it has no series."""
    fake = FakePrometheus("", behaviour or answering(vector()))
    handler = type("FakeHandler", (Handler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        fake.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            fake.ended.set()
            server.shutdown()
            thread.join()


def sample(value: object = "1", at_seconds: float = AT_SECONDS, **labels: str) -> dict[str, Any]:
    """One element of a vector; the labels' default is a pod's."""
    return labelled(labels or {"namespace": "team-a", "pod": "chat-1"}, value, at_seconds)


def labelled(labels: Mapping[str, str], value: object, at_seconds: float = AT_SECONDS) -> dict[str, Any]:
    """One element of a vector with these labels."""
    return {"metric": dict(labels), "value": [at_seconds, value]}


def vector(*samples: object, **more: object) -> dict[str, Any]:
    """An answer with these series."""
    return {"status": "success", "data": {"resultType": "vector", "result": list(samples)}, **more}


def answering(answer: object, status: int = 200) -> Behaviour:
    """Gives the same JSON to every question."""
    body = json.dumps(answer).encode()
    return lambda handler: handler.send(body, status=status)


def silent(handler: Handler) -> None:
    """Takes the question and says nothing."""
    handler.fake.ended.wait()


def trickling(head: bytes) -> Behaviour:
    """Sends the head at once, and then a blank now and then, for ever."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(head)
        while not handler.fake.ended.wait(0.02):
            handler.wfile.write(b" ")

    return behave
