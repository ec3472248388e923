"""One engine on this machine: its /metrics is read over HTTP, and its limits file is written."""

import http.client
import os
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from setpoint.cli.documents import DocumentError
from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import HISTOGRAMS, NAMES, Reading, reading
from setpoint_vllm.limits_file import MAX_CHARACTERS, LimitsFile, parse

MOST_BYTES = 16 * 2**20
"""A busy vLLM with several ranks serves well below one megabyte."""

_CHUNK_BYTES = 2**16
_REMEDY = "name the file that the engine was started with, and remove what stands there if that is it"


class UnreadableError(Exception):
    """The engine told nothing that can be used; the message says what it did instead."""


class AmbiguousError(UnreadableError):
    """More than one engine is meant; the message says what tells them apart."""


def prove_readable() -> None:
    """Raise DocumentError where what reads /metrics is not installed."""
    try:
        import prometheus_client.parser  # noqa: F401
    except ModuleNotFoundError as error:
        raise DocumentError(
            f"--metrics-url: to read it needs {error.name}: pip install 'setpoint[tune]', or uv sync --extra "
            "tune where the source is"
        ) from None


def read_engine(url: str, at_seconds: float, timeout_seconds: float) -> Reading:
    """Return what the engine tells now, with its histograms where it does not judge its requests.

    Raises UnreadableError.
    """
    body = _body(url, timeout_seconds)
    try:
        found = reading(parse_exposition(body.decode(), {*NAMES, *HISTOGRAMS}), at_seconds)
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    return replace(found, counters=replace(found.counters, latencies={})) if found.is_judging else found


def _body(url: str, timeout_seconds: float) -> bytes:
    """The whole answer, within the timeout from connecting to its last byte. Raises UnreadableError."""
    # The HTTP client takes a third of a second to import: only who asks waits for it.
    from urllib3.exceptions import HTTPError

    from setpoint.prom import deadline

    body, whole = bytearray(), deadline.total_timeout(timeout_seconds)
    with deadline.session() as session:
        session.headers["Accept-Encoding"] = "identity"
        try:
            with session.get(url, stream=True, allow_redirects=False, timeout=whole) as answer:
                if answer.status_code != 200:
                    leads = ": give the address that it leads to" if answer.is_redirect else ""
                    raise UnreadableError(f"it answered {answer.status_code} {answer.reason}{leads}")
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise UnreadableError(f"it answered more than {MOST_BYTES} bytes")
        except (OSError, ValueError, HTTPError) as error:
            raise UnreadableError(_why_no_answer(error, timeout_seconds)) from None
    if body and not body.endswith(b"\n"):
        raise UnreadableError("its answer ends in the middle")
    return bytes(body)


def _why_no_answer(error: Exception, timeout_seconds: float) -> str:
    from urllib3.exceptions import IncompleteRead

    from setpoint.prom.deadline import causes, is_timeout

    within = list(causes(error))
    if any(map(is_timeout, within)):
        return f"it gave no whole answer within {timeout_seconds:g} s"
    match within[-1]:
        case http.client.IncompleteRead() | IncompleteRead():
            return "its answer ends in the middle"
        case OSError() as cause:
            return f"it cannot be reached: {cause}"
        case http.client.HTTPException() as cause:
            return f"it answered something that is not HTTP: {type(cause).__name__}"
        case cause:
            return f"it cannot be read: {cause}"


def checked_limits_file(path: Path) -> LimitsFile:
    """Return what stands in the file that is to be written; what is not there, or empty, is of generation 0.

    Raises DocumentError for what is no limits file, so that nothing else is ever overwritten.
    """
    try:
        if path.exists() and not path.is_file():
            raise DocumentError(f"--limits-file: {path} is no file: {_REMEDY}")
        return _read(path) or LimitsFile()
    except FileNotFoundError:
        return LimitsFile()
    except OSError as error:
        raise DocumentError(f"--limits-file: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        fault = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise DocumentError(f"--limits-file: {path} is no limits file: {fault}; {_REMEDY}") from None


def read_limits_file(path: Path) -> LimitsFile:
    """Return what stands in the file; what is not there or no limits file is one of generation 0."""
    try:
        return _read(path) or LimitsFile()
    except (OSError, ValueError):
        return LimitsFile()


def _read(path: Path) -> LimitsFile | None:
    """What stands in the file, None where nothing does. Raises OSError, and ValueError for anything else."""
    with path.open(encoding="utf-8", newline="") as file:  # as the engine reads it
        text = file.read(MAX_CHARACTERS + 1)
    return parse(text) if text.strip() else None


def write_limits_file(path: Path, text: str) -> None:
    """Write the file whole, or leave the one that is there. Raises OSError.

    Of a link it is the file that the link names, there or not: an engine may read it by that name.
    """
    path = Path(os.path.realpath(path))
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
