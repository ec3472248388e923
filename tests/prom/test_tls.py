"""Whom a client believes, and to whom it shows its token."""

import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from e2e.clusters.local import keys
from setpoint.prom.client import Prometheus
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Query, Selector
from setpoint.prom.settings import PrometheusSettings
from tests.prom.fake import AT_SECONDS, Handler, answering, fake_prometheus, vector

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the keys")
QUERY = Query(Selector("up"))


@pytest.fixture(name="directory", scope="module")
def _directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("prometheus") / "keys"
    server = keys.Identity("prometheus", "/CN=prometheus", ("DNS:localhost",))
    elsewhere = keys.Identity("elsewhere", "/CN=elsewhere", ("DNS:elsewhere",))
    keys.create(directory, [server, elsewhere, keys.Identity("setpoint", "/CN=setpoint")])
    return directory


def server_side(directory: Path, name: str = "prometheus") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(directory / "ca.crt"))
    context.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    return context


@pytest.fixture(name="token_file")
def _token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("first-token\n")
    return file


def client(url: str, directory: Path, **settings: Any) -> Prometheus:
    return Prometheus(PrometheusSettings(url=url, **{"ca_file": directory / "ca.crt", **settings}))


def test_a_token_is_read_anew_for_each_question(directory: Path, token_file: Path) -> None:
    with (
        fake_prometheus(tls=server_side(directory)) as fake,
        client(fake.url, directory, token_file=token_file) as prometheus,
    ):
        prometheus.vector(QUERY, AT_SECONDS)
        token_file.write_text("second-token")
        prometheus.vector(QUERY, AT_SECONDS)
    assert [asked.headers["Authorization"] for asked in fake.asked] == [
        "Bearer first-token",
        "Bearer second-token",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b" \n", "is empty"),
        (b"first\nHost: elsewhere", "not one bearer token"),
        (b"secret\xff", "not one bearer token"),
        (b"x" * 70_000, "not one bearer token"),
    ],
)
def test_a_token_file_without_a_token_is_an_error_that_names_the_file_and_shows_nothing_of_it(
    directory: Path, token_file: Path, content: bytes | None, fault: str
) -> None:
    token_file.unlink()
    if content is not None:
        token_file.write_bytes(content)
    told = rf"^up could not be asked for: tokenFile .*{fault}"
    with (
        fake_prometheus(tls=server_side(directory)) as fake,
        client(fake.url, directory, token_file=token_file) as prometheus,
        pytest.raises(PrometheusError, match=told) as caught,
    ):
        prometheus.vector(QUERY, AT_SECONDS)
    assert not fake.asked
    assert str(token_file) in str(caught.value)
    assert not any(word in str(caught.value) for word in ("first", "secret", "xx"))


@pytest.mark.parametrize("status", [200, 500])
def test_a_token_that_is_said_back_is_not_in_the_error(
    directory: Path, token_file: Path, status: int
) -> None:
    def echo(handler: Handler) -> None:
        handler.send(handler.asked.headers["Authorization"].removeprefix("Bearer ").encode(), status=status)

    with (
        fake_prometheus(echo, tls=server_side(directory)) as fake,
        client(fake.url, directory, token_file=token_file) as prometheus,
        pytest.raises(PrometheusError, match=r"\[redacted\]") as caught,
    ):
        prometheus.vector(QUERY, AT_SECONDS)
    assert "first-token" not in str(caught.value)


@pytest.mark.parametrize(
    "settings", [{"ca_file": None}, {}], ids=["of another authority", "for another host"]
)
def test_a_certificate_that_cannot_be_verified_gets_no_token(
    directory: Path, token_file: Path, settings: dict[str, Any]
) -> None:
    name = "prometheus" if settings else "elsewhere"
    with (
        fake_prometheus(tls=server_side(directory, name)) as fake,
        client(fake.url, directory, token_file=token_file, **settings) as prometheus,
        pytest.raises(PrometheusError, match=r"^up had no answer: .*certificate"),
    ):
        prometheus.vector(QUERY, AT_SECONDS)
    assert not fake.asked


def test_an_authority_file_that_is_not_there_is_an_error_that_names_it(directory: Path) -> None:
    with (
        client("https://localhost:1", directory, ca_file=directory / "none.crt") as prometheus,
        pytest.raises(PrometheusError, match=r"none\.crt"),
    ):
        prometheus.vector(QUERY, AT_SECONDS)


def test_a_certificate_of_the_client_is_shown(directory: Path) -> None:
    context = server_side(directory)
    context.verify_mode = ssl.CERT_REQUIRED
    files = {
        "client_certificate_file": directory / "setpoint.crt",
        "client_key_file": directory / "setpoint.key",
    }
    with fake_prometheus(answering(vector()), tls=context) as fake:
        with client(fake.url, directory, **files) as prometheus:
            assert prometheus.vector(QUERY, AT_SECONDS) == ()
        with client(fake.url, directory) as stranger, pytest.raises(PrometheusError, match="had no answer"):
            stranger.vector(QUERY, AT_SECONDS)


def test_a_server_that_never_shakes_hands_is_given_up(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}"
        with (
            client(url, directory, timeout_seconds=0.3) as prometheus,
            pytest.raises(PrometheusError, match=r"had no whole answer within 0\.3 s"),
        ):
            prometheus.vector(QUERY, AT_SECONDS)
