"""What a client makes of each answer of Prometheus, over a real socket."""

import gzip
import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from setpoint.prom.client import Prometheus
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Equal, Query, Selector, TimestampQuery
from setpoint.prom.settings import PrometheusSettings, Tenant
from setpoint.signals.series import Series
from tests.prom.fake import (
    AT_SECONDS,
    Behaviour,
    Handler,
    answering,
    fake_prometheus,
    sample,
    silent,
    trickling,
    vector,
)

QUERY = Query(Selector("vllm:num_requests_running", (Equal("namespace", "team-a"),)))


def ask(
    behaviour: Behaviour,
    query: Query = QUERY,
    *,
    timeout_seconds: float = 5,
    answer_bytes: int = 100_000,
) -> tuple[Series, ...]:
    """What a client says of a Prometheus that behaves so."""
    with fake_prometheus(behaviour) as fake:
        settings = PrometheusSettings(url=fake.url, timeout_seconds=timeout_seconds)
        with Prometheus(settings, answer_bytes=answer_bytes) as prometheus:
            return prometheus.vector(query, AT_SECONDS)


def test_a_vector_is_its_series_with_labels_and_values() -> None:
    named = sample("3.5", __name__="vllm:num_requests_running", namespace="team-a", pod="chat-1")
    series = ask(answering(vector(named)))
    assert series == (Series("vllm:num_requests_running", {"namespace": "team-a", "pod": "chat-1"}, 3.5),)


def test_no_series_is_an_answer() -> None:
    assert ask(answering(vector())) == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [("+Inf", math.inf), ("-Inf", -math.inf), ("1e+06", 1e6), ("2.5e-05", 2.5e-5), ("-0", 0.0), ("12", 12.0)],
)
def test_values_are_read_as_go_writes_them(text: str, value: float) -> None:
    assert [series.value for series in ask(answering(vector(sample(text))))] == [value]


def test_nan_is_a_value() -> None:
    assert math.isnan(ask(answering(vector(sample("NaN"))))[0].value)


def test_an_information_beside_the_result_is_no_fault() -> None:
    assert ask(answering(vector(sample(), infos=["metric might not be a counter"])))


def test_a_query_is_asked_for_its_moment_and_with_its_timeout() -> None:
    with fake_prometheus() as fake:
        settings = PrometheusSettings(url=f"{fake.url}/prometheus/", timeout_seconds=2.5)
        with Prometheus(settings) as prometheus:
            prometheus.vector(TimestampQuery(QUERY.selector), AT_SECONDS)
    [asked] = fake.asked
    assert asked.path == "/prometheus/api/v1/query"
    assert asked.parameters == {
        "query": 'timestamp(vllm:num_requests_running{namespace="team-a"})',
        "time": "1795000000.250",
        "timeout": "2.5",
    }


def test_questions_share_a_connection() -> None:
    with fake_prometheus() as fake, Prometheus(PrometheusSettings(url=fake.url)) as prometheus:
        for _ in range(3):
            prometheus.vector(QUERY, AT_SECONDS)
        assert len({asked.peer for asked in fake.asked}) == 1


def test_the_tenant_is_said() -> None:
    with fake_prometheus() as fake:
        settings = PrometheusSettings(url=fake.url, tenant=Tenant(value="team-a"))
        with Prometheus(settings) as prometheus:
            prometheus.vector(QUERY, AT_SECONDS)
    assert fake.asked[0].headers["X-Scope-OrgID"] == "team-a"


def test_the_environment_gives_no_password_and_no_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine localhost login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with fake_prometheus() as fake, Prometheus(PrometheusSettings(url=fake.url)) as prometheus:
        prometheus.vector(QUERY, AT_SECONDS)
    assert "Authorization" not in fake.asked[0].headers


def test_threads_may_share_a_client() -> None:
    together = threading.Barrier(4)

    def behave(handler: Handler) -> None:
        together.wait(timeout=5)
        answering(vector(sample(handler.asked.parameters["time"][-1])))(handler)

    with fake_prometheus(behave) as fake, Prometheus(PrometheusSettings(url=fake.url)) as prometheus:

        def value_at(second: int) -> float:
            return prometheus.vector(QUERY, AT_SECONDS + second / 1000)[0].value

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(value_at, range(4))) == [0, 1, 2, 3]


def ask_by_clock(behind_seconds: float, behaviour: Behaviour | None = None) -> tuple[Series, ...]:
    """What a client makes of an answer, if its own clock is behind that of Prometheus."""
    with fake_prometheus(behaviour) as fake:
        settings = PrometheusSettings(url=fake.url)
        with Prometheus(settings, clock=lambda: time.time() - behind_seconds) as prometheus:
            return prometheus.vector(QUERY, AT_SECONDS)


@pytest.mark.parametrize("behind_seconds", [600, -600])
def test_a_clock_that_is_not_that_of_prometheus_is_an_error_that_names_both(behind_seconds: float) -> None:
    both = r"at 20\d\d-\S+ \S+ UTC by the clock of Prometheus, and at 20\d\d-\S+ \S+ by the operator's"
    with pytest.raises(
        PrometheusError, match=rf"^vllm:num_requests_running was answered {both}: set the clock"
    ):
        ask_by_clock(behind_seconds)


def test_clocks_may_differ_by_a_few_seconds() -> None:
    assert ask_by_clock(25) == ask_by_clock(-25) == ()


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 12:00:00 GMT"])
def test_a_server_that_tells_no_time_is_believed(date: str) -> None:
    def behave(handler: Handler) -> None:
        body = json.dumps(vector()).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n" + (f"Date: {date}\r\n" if date else "")
        handler.wfile.write(f"{head}\r\n".encode() + body)

    assert ask_by_clock(600, behave) == ()


def raw(body: bytes, status: int = 200, promised: int | None = None, **headers: str) -> Behaviour:
    return lambda handler: handler.send(body, status=status, promised=promised, **headers)


def cut_chunks(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{")
    handler.close_connection = True


def hanging_up(handler: Handler) -> None:
    handler.close_connection = True


MANY = vector(*[sample(pod=f"chat-{index}", namespace="team-a") for index in range(2000)])
ERROR = {"status": "error", "errorType": "timeout", "error": "query timed out"}


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        (answering(ERROR, status=503), "HTTP 503: 'timeout': 'query timed out'"),
        (answering(ERROR), "failed: 'timeout': 'query timed out'"),
        (raw(b"boom", status=500), "HTTP 500: 'boom'"),
        (raw(b"<html>log in</html>", status=401, Content_Type="text/html"), "HTTP 401: '<html>log in"),
        (raw(b"<html>log in</html>", Content_Type="text/html"), "no whole JSON .*'text/html': '<html>log in"),
        (raw(b'{"status": "success", "da'), "no whole JSON"),
        (raw(b""), "no whole JSON"),
        (raw(b"[" * 50_000), "no whole JSON .nested too deep"),
        (raw(b'{"status": "success"', promised=100), "had no answer: IncompleteRead"),
        (raw(b"not gzip", Content_Encoding="gzip"), "had no answer: .*decompressing"),
        (cut_chunks, "had no answer: IncompleteRead"),
        (hanging_up, "had no answer: RemoteDisconnected"),
        (answering(MANY), "more than 100000 bytes"),
        (raw(gzip.compress(b" " * 1_000_000), Content_Encoding="gzip"), "more than 100000 bytes"),
        (answering(vector(warnings=["store is not there"])), "warnings.*store is not there"),
        (answering(vector(isPartial=True)), "only a part"),
        (
            answering({"status": "success", "data": {"resultType": "matrix", "result": []}}),
            "'matrix', not vector",
        ),
        (answering({"status": "success", "data": {"resultType": "vector"}}), "the result None"),
        (answering({"status": "success", "data": []}), r"the data \[\]"),
        (answering([]), r"gave \[\]: no answer of Prometheus"),
        (answering(None), "gave None: no answer of Prometheus"),
        (answering(vector("up")), "gave 'up', which is no series"),
        (answering(vector({"value": [AT_SECONDS, "1"]})), "which is no series"),
        (answering(vector({"metric": {"namespace": 1}, "value": [AT_SECONDS, "1"]})), "labels are no texts"),
        (answering(vector({"metric": {"namespace": "team-a"}, "histogram": [1, {}]})), "gave the value None"),
        (answering(vector(sample(1))), "gave the value"),
        (answering(vector(sample("1_000"))), "gave the value .*1_000"),
        (answering(vector(sample("many"))), "gave the value .*many"),
        (answering(vector(sample(at_seconds=AT_SECONDS - 60))), "is of the time .*cache"),
        (answering(vector(sample(at_seconds=math.nan))), "is of the time nan"),
        (answering(vector(sample(namespace="team-b"))), "not asked for.*team-b"),
        (answering(vector(sample(pod="chat-1"))), "not asked for.*chat-1"),
        (answering(vector(sample(__name__="up", namespace="team-a"))), "not asked for.*up"),
    ],
)
def test_what_is_no_answer_is_an_error_that_names_the_metric_and_what_came(
    behaviour: Behaviour, fault: str
) -> None:
    with pytest.raises(PrometheusError, match=rf"^vllm:num_requests_running .*{fault}"):
        ask(behaviour)


def test_an_error_is_short_however_long_the_answer() -> None:
    with pytest.raises(PrometheusError) as caught:
        ask(answering({"status": "error", "errorType": "x" * 9000, "error": ["y" * 9000] * 9}, status=500))
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        trickling(b""),
        trickling(b"HTTP/1.1 200 OK\r\nX-Slow:"),
        trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"),
        trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1"),
        trickling(b"HTTP/1.1 200 OK\r\n\r\n{"),
    ],
    ids=["silent", "status", "header", "body", "chunk", "until closed"],
)
def test_an_answer_is_whole_within_the_timeout_or_given_up(behaviour: Behaviour) -> None:
    start = time.monotonic()
    with pytest.raises(PrometheusError, match=r"had no whole answer within 0\.3 s"):
        ask(behaviour, timeout_seconds=0.3)
    assert time.monotonic() - start < 3


def test_a_prometheus_that_is_not_there_is_an_error() -> None:
    with fake_prometheus() as fake:
        settings = PrometheusSettings(url=fake.url)
    with Prometheus(settings) as prometheus, pytest.raises(PrometheusError, match="refused"):
        prometheus.vector(QUERY, AT_SECONDS)


def test_one_error_does_not_harm_the_next_question() -> None:
    answers = iter([raw(b"{", promised=10), answering(vector(sample()))])
    with (
        fake_prometheus(lambda handler: next(answers)(handler)) as fake,
        Prometheus(PrometheusSettings(url=fake.url)) as prometheus,
    ):
        with pytest.raises(PrometheusError):
            prometheus.vector(QUERY, AT_SECONDS)
        assert len(prometheus.vector(QUERY, AT_SECONDS)) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with fake_prometheus() as other:
        place = f"{other.url}/login?state=secret"
        with pytest.raises(PrometheusError, match=r"redirect .* to 'http://localhost'") as caught:
            ask(lambda handler: handler.send(b"", status=status, Location=place))
    assert not other.asked
    assert "secret" not in str(caught.value)
