"""The little of PromQL that Setpoint writes, read back by Prometheus' rules (promql/parser/lex.go)."""

import re
from dataclasses import dataclass

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR = re.compile(r"=~|!=|=")
_STRING = re.compile(r'"((?:[^"\\\n\ufffd]|\\.)*)"')
_ESCAPE = re.compile(r"\\(?:([\\\"])|u([0-9a-f]{4})|U([0-9a-f]{8}))")


@dataclass(frozen=True)
class Parsed:
    """A selector: its metric, and of each condition the label, the operator and the values."""

    metric: str
    matchers: list[tuple[str, str, frozenset[str]]]


def parse(text: str) -> Parsed:
    """Return the one selector that the text is. Fails the test when it is anything else."""
    metric, conditions = _conditions(text)
    matchers = [(label, operator, _values(operator, value)) for label, operator, value in conditions]
    return Parsed(metric, matchers)


def pattern_of(text: str) -> str:
    """Return the regular expression of the only condition."""
    _, [(_, operator, value)] = _conditions(text)
    assert operator == "=~"
    return value


def _conditions(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    metric, rest = _take(_METRIC, text)
    _, rest = _take(re.compile(r"\{"), rest)
    conditions: list[tuple[str, str, str]] = []
    while rest != "}":
        if conditions:
            _, rest = _take(re.compile(","), rest)
        label, rest = _take(_LABEL, rest)
        operator, rest = _take(_OPERATOR, rest)
        literal, rest = _take(_STRING, rest)
        conditions.append((label, operator, _unquoted(literal[1:-1])))
    return metric, conditions


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.match(text)
    assert found is not None, f"{text!r} does not begin with {pattern.pattern}"
    return found.group(), text[found.end() :]


def _unquoted(literal: str) -> str:
    def character(escape: re.Match[str]) -> str:
        sign, short, long = escape.groups()
        return str(sign) if sign else chr(int(short or long, 16))

    assert "\\" not in _ESCAPE.sub("", literal)
    return _ESCAPE.sub(character, literal)


def _values(operator: str, value: str) -> frozenset[str]:
    if operator != "=~":
        return frozenset({value})
    alternatives = [""]
    signs = iter(value)
    for sign in signs:
        if sign == "|":
            alternatives.append("")
        elif sign == "\\":
            alternatives[-1] += next(signs)
        else:
            assert sign not in ".+*?()[]{}^$"
            alternatives[-1] += sign
    return frozenset(alternatives)
