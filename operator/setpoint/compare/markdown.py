"""A comparison as GitHub-flavoured Markdown, for an issue or a pull request."""

import re
from collections.abc import Iterator

from setpoint.compare.document import Document, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!@$])")
"""What Markdown, inline HTML, a table cell, a formula or a mention could take for more than text."""


def markdown(shown: Document) -> str:
    """Return the document; text from reports stays text."""
    return "\n".join(_lines(shown))


def _lines(shown: Document) -> Iterator[str]:
    yield f"# {_text(shown.title)}"
    yield ""
    for caution in shown.cautions:
        yield f"> **Caution:** {_text(caution)}"
        yield ">"
    yield ""
    yield from (f"- {_text(line)}" for line in shown.summary)
    for table in shown.tables:
        yield ""
        yield from _table(table)
    yield ""
    yield "## How to read this"
    yield ""
    yield from (f"- {_text(line)}" for line in shown.method)
    yield ""


def _table(table: Table) -> Iterator[str]:
    yield f"## {_text(table.caption)}"
    yield ""
    yield from (f"{_text(note)}\n" for note in table.notes)
    yield _row(table.columns)
    yield _row(("---",) * len(table.columns), escape=False)
    yield from map(_row, table.rows)


def _row(cells: tuple[str, ...], *, escape: bool = True) -> str:
    return f"| {' | '.join(map(_text, cells) if escape else cells)} |"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
