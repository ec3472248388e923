"""Queries for instant vectors, built from parts of which none can become another.

The grammar is that of Prometheus 2 and 3 (promql/parser/lex.go, util/strutil/quote.go), of the names that
both versions take without quotes. A query is pure ASCII whatever the values are.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED = {"atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"}
"""Names by their letters, which PromQL reads as something else where a query begins (tried on 3.5)."""
_REGEX_SIGNS = frozenset(r"\.+*?()|[]{}^$")
"""What RE2 takes for other than itself."""
_NAME_LABEL = "__name__"


def string_literal(value: str) -> str:
    """Return the text as a PromQL string. Raises ValueError when it is no Unicode text (a lone surrogate)."""
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"{character!r} is half a character: a label's value is Unicode text")
    if character in '"\\':
        return f"\\{character}"
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class Matcher(Protocol):
    """A condition on one label. A series without the label has it empty, as PromQL sees it."""

    @property
    def label(self) -> str:
        """Its name."""

    def __str__(self) -> str:
        """The condition in PromQL."""

    def matches(self, value: str) -> bool:
        """Whether a series whose label has this value is meant."""


@dataclass(frozen=True)
class _Compared:
    """The label is compared with one value. Raises ValueError for what can be no label's name or value."""

    label: str
    value: str
    _sign: ClassVar[str]

    def __post_init__(self) -> None:
        _check_label(self.label)
        string_literal(self.value)

    def __str__(self) -> str:
        return f"{self.label}{self._sign}{string_literal(self.value)}"


class Equal(_Compared):
    """The label has this value."""

    _sign = "="

    def matches(self, value: str) -> bool:
        """Whether it is this very value."""
        return value == self.value


class NotEqual(_Compared):
    """The label has another value, or is not there."""

    _sign = "!="

    def matches(self, value: str) -> bool:
        """Whether it is any other value."""
        return value != self.value


@dataclass(frozen=True)
class OneOf:
    """The label has one of these values. Raises ValueError like the others, and for no values."""

    label: str
    values: frozenset[str]

    def __init__(self, label: str, values: Collection[str]) -> None:
        _check_label(label)
        if isinstance(values, str) or not values:
            raise ValueError(f"{label} must be one of a set of values, not of {values!r}")
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "values", frozenset(values))
        string_literal("".join(sorted(self.values)))

    def __str__(self) -> str:
        return f"{self.label}=~{string_literal('|'.join(map(_regex_literal, sorted(self.values))))}"

    def matches(self, value: str) -> bool:
        """Whether it is one of them."""
        return value in self.values


def _regex_literal(value: str) -> str:
    """The regular expression of this very text; Prometheus anchors it at both ends."""
    return "".join(f"\\{sign}" if sign in _REGEX_SIGNS else sign for sign in value)


def _check_label(name: str) -> None:
    if not _LABEL.fullmatch(name) or name == _NAME_LABEL:
        raise ValueError(
            f"{name!r} is no label's name: letters, digits and _, no digit first, not {_NAME_LABEL}"
        )


@dataclass(frozen=True)
class Selector:
    """The series of one metric that fulfil every condition. Raises ValueError for no metric's name."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def __post_init__(self) -> None:
        if not _METRIC.fullmatch(self.metric) or self.metric.lower() in _RESERVED:
            form = "letters, digits, _ and :, no digit first, no keyword of PromQL"
            raise ValueError(f"{self.metric!r} is no metric's name: {form}")

    def __str__(self) -> str:
        return f"{self.metric}{{{','.join(map(str, self.matchers))}}}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is meant; a function leaves the name out of its result."""
        if labels.get(_NAME_LABEL, self.metric) != self.metric:
            return False
        for matcher in self.matchers:  # noqa: SIM110  all() of a generator takes twice as long
            if not matcher.matches(labels.get(matcher.label, "")):
                return False
        return True


@dataclass(frozen=True)
class Query:
    """What is asked: the series' values."""

    selector: Selector

    def __str__(self) -> str:
        return str(self.selector)


@dataclass(frozen=True)
class TimestampQuery(Query):
    """What is asked: when each series was scraped, in seconds of Unix time."""

    def __str__(self) -> str:
        return f"timestamp({self.selector})"
