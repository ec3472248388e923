"""A vLLM with the plugin, as far as `setpoint tune` looks at it: /metrics over HTTP, and a limits file."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from setpoint_vllm.limits_file import Limit, LimitsFile, parse

START = {"seqs": 1024, "tokens": 8192, "queuedTokens": float("inf")}
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class FakeEngine:
    """It keeps to its file, and at each scrape has answered so many requests more."""

    path: Path
    url: str = ""
    scrapes: int = 0
    good_gaps: int = 500
    bad_gaps: int = 500
    requests: int = 100
    has_plugin: bool = True
    answer: Answer | None = None
    """Instead of metrics."""
    on_scrape: Callable[[int], None] = lambda _: None
    believed: LimitsFile = field(default_factory=LimitsFile)
    now_seconds: float = 0.0
    """Unix time by its clock, by which leases end."""

    def metrics(self) -> str:
        """What it serves at its next scrape."""
        self.scrapes += 1
        self.on_scrape(self.scrapes)
        self._follow()
        labels, done = '{engine="0",model_name="m"}', self.requests * self.scrapes
        lines = [
            f"vllm:num_requests_running{labels} 10",
            f"vllm:num_requests_waiting{labels} 0",
            f"vllm:kv_cache_usage_perc{labels} 0.2",
            f"vllm:prompt_tokens_total{labels} {500 * done}",
            f"vllm:generation_tokens_total{labels} {100 * done}",
            f"vllm:num_preemptions_total{labels} 0",
        ]
        return (
            "\n".join([*lines, *(self._plugin(done) if self.has_plugin else self._histograms(done))]) + "\n"
        )

    def _histograms(self, done: int) -> Iterator[str]:
        """Gaps that are good are within 25 ms, the others beyond 50; first tokens are within 10 ms."""
        gaps = {"0.025": self.good_gaps, "0.05": self.good_gaps, "+Inf": self.good_gaps + self.bad_gaps}
        for edge, count in gaps.items():
            labels = f'{{engine="0",model_name="m",le="{edge}"}}'
            yield f"vllm:inter_token_latency_seconds_bucket{labels} {count * self.scrapes}"
        for edge in ("0.01", "+Inf"):
            yield f'vllm:time_to_first_token_seconds_bucket{{engine="0",model_name="m",le="{edge}"}} {done}'

    def _follow(self) -> None:
        try:
            file = parse(self.path.read_text())
        except (OSError, ValueError):
            return
        if file.generation >= self.believed.generation:
            self.believed = file

    def _plugin(self, done: int) -> Iterator[str]:
        yield f'setpoint_requests_total{{verdict="good",reason=""}} {done}'
        for reason in ("late", "shed", "failed"):
            yield f'setpoint_requests_total{{verdict="bad",reason="{reason}"}} 0'
        yield 'setpoint_requests_total{verdict="cut",reason=""} 0'
        yield f'setpoint_tokens_total{{objective="itl",verdict="good"}} {self.good_gaps * self.scrapes}'
        yield f'setpoint_tokens_total{{objective="itl",verdict="bad"}} {self.bad_gaps * self.scrapes}'
        for name, start in START.items():
            in_force = self.believed.wanted(self.now_seconds).get(Limit(name), start)
            yield f'setpoint_engine_limit{{engine="0",limit="{name}"}} {in_force}'.replace("inf", "+Inf")
            yield f'setpoint_engine_limit_start{{engine="0",limit="{name}"}} {start}'.replace("inf", "+Inf")
        writer, generation = self.believed.writer, self.believed.generation
        yield f'setpoint_engine_limit_generation{{engine="0",writer="{writer}"}} {generation}'
        yield "setpoint_engine_limits_supported 1"


def answers(status: int, body: bytes, *, length: int | None = None) -> Answer:
    """An engine that answers this, and says that it is so long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def speaks(*parts: bytes) -> Answer:
    """An engine that sends these bytes, whatever they are, and ends the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        for part in parts:
            handler.wfile.write(part)

    return answer


@contextmanager
def serving(engine: FakeEngine) -> Iterator[FakeEngine]:
    """Serve it on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (engine.answer or answers(200, engine.metrics().encode()))(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has left is no fault of the engine."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    engine.url = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
