"""What the flags of `setpoint loadtest` may say; anything else raises a ValueError with what would work."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from setpoint.loadgen.preflight import API_KEY_VARIABLE
from setpoint.workload.durations import duration_seconds

SHORTEST_STAGE_SECONDS = 1.0
_MOST_CLIENTS = 100_000
_HIGHEST_RATE = 100_000.0


def url(text: str) -> str:
    """Return the address of the API without /v1. What holds a secret is not repeated."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if "@" in text.partition("://")[2].partition("/")[0] or "?" in text or "#" in text:
        raise ValueError(
            "an address with a user, a password or a query is not taken, as reports repeat it: leave "
            f"that out, and set {API_KEY_VARIABLE} in the environment"
        )
    if not known or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is no address; write for example http://127.0.0.1:8000")
    return text.rstrip("/").removesuffix("/v1")


def _numbers(text: str, parse: Callable[[str], float], most: float, what: str) -> list[Any]:
    try:
        numbers = [parse(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0 < number <= most for number in numbers):
        raise ValueError(f"{text!r} is no list of {what} from above 0 to {most:g}, with commas between")
    return numbers


def clients(text: str) -> Sequence[int]:
    """Return the numbers of clients."""
    return _numbers(text, int, _MOST_CLIENTS, "numbers of clients")


def rates(text: str) -> Sequence[float]:
    """Return the rates, per second."""
    return _numbers(text, float, _HIGHEST_RATE, "rates a second")


def speed(text: str) -> float:
    """Return by which factor a trace is faster."""
    (speed,) = _numbers(text, float, 1000.0, "one factor") if "," not in text else (0.0,)
    if not speed:
        raise ValueError(f"{text!r} is not one factor, such as 2")
    return float(speed)


def duration(text: str) -> float:
    """Return the seconds of something that is measured."""
    seconds = duration_seconds(text)
    if seconds < SHORTEST_STAGE_SECONDS:
        raise ValueError(f"{text!r} is too short to measure anything; write for example 60s")
    return seconds


def share(text: str) -> float:
    """Return a share from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not a share from 0 to 1, such as 0.5")
    return share


def utf8_text(value: str) -> str:
    """Return a text that a report can hold: a command line may have bytes that are no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value!r} is not UTF-8: write it in UTF-8") from None
    return value


def utf8_path(value: str) -> Path:
    """Return a path that a report can name."""
    return Path(utf8_text(value))


def label(given: str) -> tuple[str, str]:
    """Return the key and the value."""
    key, separator, value = utf8_text(given).partition("=")
    if not separator or not key:
        raise ValueError(f"{given!r} is no label; write KEY=VALUE, such as max-num-seqs=256")
    return key, value
