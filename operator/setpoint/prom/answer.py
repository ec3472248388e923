"""What Prometheus answered, checked before any of it is believed.

The format is that of the HTTP API, version 1 (https://prometheus.io/docs/prometheus/latest/querying/api/), as
Thanos, Mimir and VictoriaMetrics answer too.
"""

import re
import reprlib
from collections.abc import Mapping

from setpoint.prom.errors import AnswerError
from setpoint.prom.promql import Selector
from setpoint.redaction import redact
from setpoint.signals.series import Series

_NUMBER = re.compile(r"NaN|[+-]?Inf|[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.ASCII)
"""As Go writes a float. Python's own float() takes more, such as 1_000."""
_TEXT = frozenset({str})
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxdict, _SHOWN.maxlist, _SHOWN.maxstring = 3, 12, 4, 160
_SHOWN_CHARACTERS = 300
_CLOCK_SECONDS = 1.0
"""An answer of another moment than was asked for is somebody's cache; Prometheus rounds to milliseconds."""


def vector(answer: object, selector: Selector, at_seconds: float) -> tuple[Series, ...]:
    """Return the series of an instant vector, each with the selector's metric as its name and without the
    label `__name__`. `answer` is the parsed JSON. NaN and infinite values are values.

    Raises AnswerError when anything of it is not as it should be, or it is only a part.
    """
    data = _data(answer)
    if data.get("resultType") != "vector":
        raise AnswerError(f"gave a result of type {shown(data.get('resultType'))}, not vector")
    result = data.get("result")
    if not isinstance(result, list):
        raise AnswerError(f"gave the result {shown(result)}, not a list")
    return tuple(_series(each, selector, at_seconds) for each in result)


def shown(value: object) -> str:
    """Return the beginning of what came, as one line without known forms of secrets."""
    text = redact(_SHOWN.repr(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def error_text(answer: object) -> str | None:
    """Return what Prometheus says went wrong, or None when this is no error of Prometheus."""
    if not isinstance(answer, dict) or answer.get("status") != "error":
        return None
    return f"{shown(answer.get('errorType'))}: {shown(answer.get('error'))}"


def _data(answer: object) -> Mapping[str, object]:
    if (text := error_text(answer)) is not None:
        raise AnswerError(f"failed: {text}")
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise AnswerError(f"gave {shown(answer)}: no answer of Prometheus' HTTP API")
    if answer.get("warnings"):
        raise AnswerError(f"came with warnings, so that series may be missing: {shown(answer['warnings'])}")
    if answer.get("isPartial"):
        raise AnswerError("is only a part, as not all of the storage answered")
    data = answer.get("data")
    if not isinstance(data, dict):
        raise AnswerError(f"gave the data {shown(data)}, not an object")
    return data


def _series(each: object, selector: Selector, at_seconds: float) -> Series:
    labels = each.get("metric") if isinstance(each, dict) else None
    if not isinstance(each, dict) or not isinstance(labels, dict):
        raise AnswerError(f"gave {shown(each)}, which is no series")
    if not _TEXT.issuperset(map(type, labels.values())):
        raise AnswerError(f"gave a series whose labels are no texts: {shown(labels)}")
    if not selector.matches(labels):
        raise AnswerError(f"gave a series that was not asked for: {shown(labels)}")
    own = dict(labels)
    own.pop("__name__", None)
    return Series(selector.metric, own, _value(each.get("value"), at_seconds))


def _value(value: object, at_seconds: float) -> float:
    match value:
        case [int() | float() as moment, str() as number] if _NUMBER.fullmatch(number):
            # Also when the moment is NaN.
            if not abs(moment - at_seconds) <= _CLOCK_SECONDS:
                raise AnswerError(
                    f"is of the time {moment}, not {at_seconds:.3f}: is there a cache in between?"
                )
            return float(number)
    raise AnswerError(f"gave the value {shown(value)}, not a time and a number as text")
