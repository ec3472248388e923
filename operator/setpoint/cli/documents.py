"""Objects read from YAML or JSON files, each with the place it came from."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from setpoint.cli.yaml_values import MAX_SIZE, parse_yaml

STANDARD_INPUT = "-"
_SURROGATES = re.compile(
    r"(?<!\\)(?P<before>(\\\\)*)(?P<escapes>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""How JSON may write a character beyond U+FFFF, and YAML may not."""


class DocumentError(Exception):
    """A file that cannot be read as objects; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file."""

    source: str
    """File and number of the document within it, from 1, such as `chat.yaml:2`."""
    object: dict[str, Any]


def read_documents(path: str) -> list[Document]:
    """Return the objects of a file, or of standard input for `-`; a List gives its items.

    Raises DocumentError when the file is missing, not YAML, or without an object.
    """
    documents = [
        Document(f"{path}:{number}", item)
        for number, value in enumerate(_parse(_read(path), path), start=1)
        if value is not None
        for item in _items(value, f"{path}:{number}")
    ]
    if not documents:
        raise DocumentError(f"{path}: is empty: write an InferenceService into it")
    return documents


def _items(value: Any, source: str) -> list[dict[str, Any]]:
    items = value.get("items") if isinstance(value, dict) and value.get("kind") == "List" else [value]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise DocumentError(f"{source}: is not an object: it needs apiVersion, kind, metadata and spec")
    return items


def _read(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_SIZE:
        raise DocumentError(f"{path}: is larger than {MAX_SIZE} bytes: split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: is not UTF-8 at byte {error.start}: save it as UTF-8") from error


def _is_json(text: str) -> bool:
    """Return whether the whole text is JSON: YAML like it may have single quotes, which escape nothing."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parse(text: str, path: str) -> list[Any]:
    if _is_json(text):
        text = _SURROGATES.sub(lambda pair: pair["before"] + json.loads(f'"{pair["escapes"]}"'), text)
    try:
        return list(parse_yaml(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise DocumentError(f"{path}: {line}not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise DocumentError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
