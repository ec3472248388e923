"""One engine on this machine: its /metrics is read over HTTP, and its limits file is written."""

import http.client
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import HISTOGRAMS, NAMES, Reading, reading
from setpoint_vllm.limits_file import MAX_CHARACTERS, LimitsFile, parse

MOST_BYTES = 16 * 2**20
"""A busy vLLM with several ranks serves well below one megabyte."""


_CHUNK_BYTES = 2**16
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Without a proxy of the environment: the engine is near, and a proxy's answer would not be its own."""


class UnreadableError(Exception):
    """The engine told nothing that can be used; the message says what it did instead."""


def read_engine(url: str, at_seconds: float, timeout_seconds: float) -> Reading:
    """Return what the engine tells now, with its histograms where it does not judge its requests.

    Raises UnreadableError.
    """
    try:
        body = _body(url, timeout_seconds)
    except urllib.error.HTTPError as error:
        raise UnreadableError(f"it answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UnreadableError(f"it cannot be reached: {reason}") from None
    except http.client.HTTPException as error:
        raise UnreadableError(f"it answered something that is not HTTP: {type(error).__name__}") from None
    try:
        found = reading(parse_exposition(body.decode(), {*NAMES, *HISTOGRAMS}), at_seconds)
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    return replace(found, counters=replace(found.counters, latencies={})) if found.is_judging else found


def _body(url: str, timeout_seconds: float) -> bytes:
    """The whole answer. Raises what urllib raises, and UnreadableError for one that has no end."""
    deadline_seconds = time.monotonic() + timeout_seconds
    body = bytearray()
    with _OPENER.open(url, timeout=timeout_seconds) as answer:
        while chunk := answer.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > MOST_BYTES:
                raise UnreadableError(f"it answered more than {MOST_BYTES} bytes")
            if time.monotonic() > deadline_seconds:
                raise UnreadableError(f"it answered for longer than {timeout_seconds:g} s")
        is_whole = not answer.length and body.endswith(b"\n")
    if body and not is_whole:
        raise UnreadableError("its answer ends in the middle")
    return bytes(body)


def read_limits_file(path: Path) -> LimitsFile:
    """Return what stands in the file; what is not there or no limits file is one of generation 0."""
    try:
        with path.open(encoding="utf-8", newline="") as file:  # as the engine reads it
            return parse(file.read(MAX_CHARACTERS + 1))
    except (OSError, ValueError):
        return LimitsFile()


def write_limits_file(path: Path, text: str) -> None:
    """Write the file whole, or leave the one that is there. Raises OSError."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        partial = Path(file.name)
        try:
            file.write(text)
            file.close()
            partial.chmod(0o644)  # the engine may run as somebody else
            partial.replace(path)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise
