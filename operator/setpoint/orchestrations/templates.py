"""The manifests in manifests/, rendered so that a value can never become structure.

A value never passes the YAML parser. The finalize hook sets each `{{ value }}` down as JSON between NULs,
which JSON does not contain. The text between the values, which only the template and its conditions decide,
is parsed as YAML with a hole for each value, once for each such text; then the values go into the holes.
That is safe whatever the values hold, and costs a fraction of parsing every rendered text.

A template writes `{{ value }}` where YAML has a whole scalar: a value, a key or an item of a list.
"""

import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import BaseLoader, StrictUndefined
from jinja2.loaders import DictLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MARK = "\0"


def render(manifest: str, /, **values: Any) -> Any:
    """Return what the template `manifest` (a path below manifests/) makes of JSON values.

    Raises jinja2.UndefinedError for a value that is not given, TypeError or ValueError for one that is not
    JSON, and ValueError when the template has a value where YAML has no whole scalar.
    """
    pieces = _ENVIRONMENT.get_template(manifest).render(values).split(_MARK)
    skeleton, count = _skeleton(tuple(pieces[0::2]))
    filled = _Filling([json.loads(piece) for piece in pieces[1::2]])
    document = filled.fill(skeleton)
    if filled.used != count:
        raise ValueError(f"{manifest}: a value stands within quotes or text: let it be the whole scalar")
    return document


@dataclass(frozen=True, slots=True)
class _Hole:
    index: int


class _SkeletonLoader(yaml.CSafeLoader):
    """YAML with holes: `!hole 3` is the place of the fourth value."""


_SkeletonLoader.add_constructor("!hole", lambda _, node: _Hole(int(node.value)))


@lru_cache(maxsize=1024)
def _skeleton(texts: tuple[str, ...]) -> tuple[Any, int]:
    """Return the parsed text around the values, and the number of values."""
    count = len(texts) - 1
    holes = [f"!hole {index}" for index in range(count)] + [""]
    text = "".join(part for pair in zip(texts, holes, strict=True) for part in pair)
    return yaml.load(text, Loader=_SkeletonLoader), count  # noqa: S506  a safe loader, with one constructor more


class _Filling:
    """A copy of a skeleton with the values in its holes."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values
        self.used = 0

    def fill(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {self._key(key): self.fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.fill(item) for item in node]
        if isinstance(node, _Hole):
            self.used += 1
            return self._values[node.index]
        return node

    def _key(self, key: Hashable) -> str:
        filled = self.fill(key)
        if not isinstance(filled, str):
            raise TypeError(f"{filled!r} is a key and must be text")
        return filled


def _as_json(value: Any) -> str:
    if isinstance(value, StrictUndefined):
        str(value)  # raises, naming the value that was not given
    return f"{_MARK}{json.dumps(value, allow_nan=False)}{_MARK}"


def _loader() -> BaseLoader:
    """Return the templates: inside the wheel, or at the top of the checkout."""
    packaged = resources.files("setpoint") / "_manifests"
    root = packaged if packaged.is_dir() else Path(__file__).parents[3] / "manifests"
    folder = root / "inferenceservice"
    return DictLoader(
        {
            f"{folder.name}/{file.name}": file.read_text(encoding="utf-8")
            for file in folder.iterdir()
            if file.name.endswith(".yaml.j2")
        }
    )


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=_loader(),
    undefined=StrictUndefined,
    finalize=_as_json,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
