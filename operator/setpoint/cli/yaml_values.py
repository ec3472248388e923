"""YAML as kubectl's parser takes it (sigs.k8s.io/yaml: YAML 1.1 with corrections), from anyone.

PyYAML's own constructor differs where it matters: it makes dates of 2026-01-31 and the number 90 of 1:30,
keeps the last of two equal keys, and follows aliases wherever they lead. Here values are what JSON has and
nothing else; a key that stands twice, a tag, and text that nests or multiplies without end are errors.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

MAX_SIZE = 8 * 2**20
"""Characters of one document with its aliases written out; the API server takes 3 MiB."""
_MAX_DEPTH = 100
_TAG = "tag:yaml.org,2002:"
_COLLECTIONS = {_TAG + "map", _TAG + "seq"}
_OCTAL = re.compile(r"[-+]?0[0-7_]+")


class _Loader(yaml.CSafeLoader):
    """Composes nodes; which plain scalar is what is said below."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"(?i:true|false|yes|no|on|off)", list("tTfFyYnNoO")),
    ("int", r"[-+]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|0|[1-9][0-9_]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(?i:inf)|\.(?i:nan)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^({_pattern})$"), _first)


def parse_yaml(text: str) -> Iterator[Any]:
    """Yield the value of each document of `text`.

    Raises yaml.YAMLError when the text is not YAML or not to be had as JSON.
    """
    _check_depth(text)
    for node in yaml.compose_all(text, Loader=_Loader):
        yield _Values().value(node)


def _check_depth(text: str) -> None:
    """Raise YAMLError where the text nests deeper than the composer, which recurses in C, can bear."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise _error(event, f"nests deeper than {_MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Values:
    """The values of one document's nodes, each made once however many aliases lead to it."""

    def __init__(self) -> None:
        self._made: dict[yaml.Node, tuple[Any, int]] = {}
        self._open: set[yaml.Node] = set()

    def value(self, node: yaml.Node) -> Any:
        """Return the JSON value of `node`."""
        return self._sized(node)[0]

    def _sized(self, node: yaml.Node) -> tuple[Any, int]:
        """Return the value and the number of characters it has when written out."""
        if node in self._open:
            raise _error(node, "an alias stands within itself")
        if node not in self._made:
            self._open.add(node)
            made = self._make(node)
            if made[1] > MAX_SIZE:
                raise _error(node, f"is larger than {MAX_SIZE} characters with its aliases written out")
            self._open.remove(node)
            self._made[node] = made
        return self._made[node]

    def _make(self, node: yaml.Node) -> tuple[Any, int]:
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node), len(node.value) + 1
        if node.tag not in _COLLECTIONS:
            raise _error(node, f"the tag {node.tag} is not known: leave it out")
        if isinstance(node, yaml.SequenceNode):
            items = [self._sized(item) for item in node.value]
            return [value for value, _ in items], 1 + sum(size for _, size in items)
        return self._mapping(node)

    def _mapping(self, node: yaml.Node) -> tuple[dict[str, Any], int]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        size = 1
        for key_node, value_node in node.value:
            key = _key(key_node)
            value, value_size = self._sized(value_node)
            size += len(key) + value_size
            if key_node.tag == _TAG + "merge":
                for source in reversed(value) if isinstance(value, list) else [value]:
                    if not isinstance(source, dict):
                        raise _error(value_node, "<< needs a mapping")
                    merged |= source
            elif key in own:
                raise _error(key_node, f"the key {key!r} stands twice")
            else:
                own[key] = value
        return merged | own, size


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _error(node, "a key must be text")
    value = _scalar(node)
    return str(value).lower() if isinstance(value, bool) else node.value


def _scalar(node: yaml.ScalarNode) -> Any:
    make = _SCALARS.get(node.tag.removeprefix(_TAG))
    if make is None:
        raise _error(node, f"the tag {node.tag} is not known: leave it out")
    try:
        return make(node.value)
    except ValueError as error:
        raise _error(node, f"{node.value[:40]!r}: {error}") from error


def _int(text: str) -> int:
    text = text.replace("_", "")
    return int(text, 8) if _OCTAL.fullmatch(text) else int(text, 0)


def _float(text: str) -> int | float:
    value = float(re.sub(r"\.(inf|nan)", r"\1", text.lower()))
    if not math.isfinite(value):
        raise ValueError("a number must be finite")
    return int(value) if value.is_integer() else value


def _str(text: str) -> str:
    text.encode()  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
    return text


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": _str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() in {"true", "yes", "on"},
    "int": _int,
    "float": _float,
    "merge": str,
}


def _error(where: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)
