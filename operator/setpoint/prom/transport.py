"""How Prometheus is reached over HTTP: TLS, token, tenant, and bounds in time and size.

What is set here is all there is: no proxy, password or certificate comes from the environment.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from requests.auth import AuthBase

from setpoint.prom import deadline
from setpoint.prom.answer import error_text, shown
from setpoint.prom.deadline import DeadlineAdapter, causes, is_timeout
from setpoint.prom.errors import AnswerError
from setpoint.prom.settings import PrometheusSettings

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""
_TOKEN_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = range(300, 400)
CLOCK_SECONDS = 30.0
"""Clocks may differ by so much. By one that is behind, samples of long ago look fresh."""


def connect(
    settings: PrometheusSettings, *, answer_bytes: int, clock: Callable[[], float]
) -> PrometheusConnect:
    """Return a client whose queries give the whole answer, parsed JSON of at most so many bytes, of a server
    whose clock is right by ours (Unix time). Else they raise AnswerError, OSError (requests' errors among it)
    or urllib3's HTTPError.
    """
    session = deadline.session()
    session.verify = True if settings.ca_file is None else str(settings.ca_file)
    if settings.client_certificate_file is not None and settings.client_key_file is not None:
        session.cert = (str(settings.client_certificate_file), str(settings.client_key_file))
    session.headers["User-Agent"] = "setpoint"
    if settings.tenant is not None:
        session.headers[settings.tenant.header] = settings.tenant.value
    session.hooks["response"] = [_reader(answer_bytes, clock)]
    auth = None if settings.token_file is None else _BearerToken(settings.token_file)
    prometheus = PrometheusConnect(settings.url, session=session, auth=auth)
    # The client has mounted an adapter of its own, which tries again on its own.
    session.mount(settings.url, DeadlineAdapter(max_retries=0))
    return prometheus


def read_token(path: Path) -> str:
    """Return the token in a file. Raises AnswerError that shows nothing of it."""
    try:
        with path.open("rb") as file:
            text = file.read(_TOKEN_BYTES + 1).decode("ascii", errors="replace").strip()
    except OSError as error:
        fault = f"{error.strerror or type(error).__name__}"
    else:
        if _TOKEN.fullmatch(text) and len(text) <= _TOKEN_BYTES:
            return text
        fault = "it holds not one bearer token" if text else "it is empty"
    raise AnswerError(f"could not be asked for: tokenFile {str(path)!r}: {fault}")


def failure(error: Exception, seconds: float) -> str:
    """Return why there was no answer within that time, a clause that follows the metric's name."""
    for cause in causes(error):
        if is_timeout(cause):
            return f"had no whole answer within {seconds:g} s"
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            break
    return f"had no answer: {type(cause).__name__}: {shown(str(cause))}"


class _BearerToken(AuthBase):
    """The token of a file, as it is at each request: it rotates."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {read_token(self._path)}"
        return request


class _Answer(requests.Response):
    """An answer that was read and parsed."""

    def __init__(self, parsed: object) -> None:
        super().__init__()
        self.status_code = 200
        self._parsed = parsed

    def json(self, **_: Any) -> object:
        """What it says, and more than `data`, which is all that the client takes."""
        return {"data": {"result": self._parsed}}


def _reader(answer_bytes: int, clock: Callable[[], float]) -> Callable[..., requests.Response]:
    def read(response: requests.Response, **_: object) -> requests.Response:
        begun_seconds = clock()
        with response:
            if response.status_code in _REDIRECTS:
                raise AnswerError(_redirect(response))
            body = bytearray()
            for chunk in response.iter_content(_CHUNK_BYTES):
                body += chunk
                if len(body) > answer_bytes:
                    raise AnswerError(f"had an answer of more than {answer_bytes} bytes")
        parsed = _parsed(response, body)
        _check_clock(response, begun_seconds)
        return _Answer(parsed)

    return read


def _check_clock(response: requests.Response, now_seconds: float) -> None:
    """Hold the server's clock against ours, where it tells the time of its answer (RFC 9110, 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", "")).replace(tzinfo=UTC)
    except ValueError:
        return
    if abs(theirs.timestamp() - now_seconds) > CLOCK_SECONDS:
        ours = datetime.fromtimestamp(now_seconds, UTC)
        raise AnswerError(
            f"was answered at {theirs:%Y-%m-%d %H:%M:%S} UTC by the clock of Prometheus, and at"
            f" {ours:%Y-%m-%d %H:%M:%S} by the operator's: set the clocks of both machines"
        )


def _redirect(response: requests.Response) -> str:
    try:
        place = urlsplit(response.headers.get("Location", ""))
        to = f"{place.scheme}://{place.hostname}" if place.hostname else "another path"
    except ValueError:
        to = "nowhere"
    return (
        f"was answered with a redirect ({response.status_code}) to {shown(to)}: give the url that it leads to"
    )


def _parsed(response: requests.Response, body: bytearray) -> object:
    text = body.decode("utf-8", errors="replace")
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        fault = str(error) if isinstance(error, ValueError) else "nested too deep"
        parsed = None
    else:
        fault = ""
    if response.status_code != 200:
        what = error_text(parsed) or shown(text)
        raise AnswerError(f"was answered with HTTP {response.status_code}: {what}")
    if fault:
        kind = shown(response.headers.get("Content-Type"))
        raise AnswerError(f"was answered with no whole JSON ({fault}) of type {kind}: {shown(text)}")
    return parsed
