"""HTTP whose timeout bounds an answer as a whole, from its first byte to its last.

The timeout of a socket starts anew with each byte, so that a server which sends one now and then holds its
client for ever. Here every read of an answer has what is left of one deadline.
"""

import http.client
import io
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as ConnectionTimeoutError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DeadlineAdapter(HTTPAdapter):
    """Sends requests without a retry; a `urllib3.Timeout(total=...)` is how long one takes at most. Only to
    look up a host's name takes what the system's resolver takes.
    """

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of connections, of our kind."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


def session() -> requests.Session:
    """Return a session of such requests, to which no proxy or password comes from the environment."""
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, DeadlineAdapter(max_retries=0))
    return made


def total_timeout(seconds: float) -> Any:
    """Return the timeout of a request as a whole, a `urllib3.Timeout`, which requests hands on to the adapter
    and does not say so.
    """
    return Timeout(total=seconds)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those within it, the last the first that happened."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        parts = (getattr(inner, "reason", None), *inner.args, inner.__cause__)
        inner = next((part for part in parts if isinstance(part, BaseException)), None)


def is_timeout(error: BaseException) -> bool:
    """Whether a time ran out. A refused connection is of urllib3's timeouts, though it is none."""
    timeouts = requests.Timeout | ConnectionTimeoutError | TimeoutError
    return isinstance(error, timeouts) and not isinstance(error, NewConnectionError)


class _Reader(io.RawIOBase):
    """What comes in on a socket until a deadline. Raises TimeoutError after it."""

    def __init__(self, incoming: io.RawIOBase, connection: socket.socket, deadline_seconds: float) -> None:
        self._incoming = incoming
        self._connection = connection
        self._deadline_seconds = deadline_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left_seconds = self._deadline_seconds - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left_seconds)
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        # urllib3 has set what is left of the total after connecting and sending.
        left_seconds = sock.gettimeout()
        if left_seconds is not None:
            reader = _Reader(self.fp.detach(), sock, time.monotonic() + left_seconds)
            self.fp = io.BufferedReader(reader)


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
