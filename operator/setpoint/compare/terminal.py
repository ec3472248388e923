"""A comparison for a terminal: wrapped to its width, in colour if it shows colours."""

import io

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from setpoint.compare.comparison import Verdict
from setpoint.compare.document import Document, Table, verdict_of

_STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.NOT_JUDGED: "dim"}


def terminal(shown: Document, *, width: int, colour: bool) -> str:
    """Return the document in lines of `width` columns; text from reports is never taken for markup."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
    )
    with console.capture() as captured:
        _print(shown, console)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _print(shown: Document, console: Console) -> None:
    console.print(Text(shown.title, style="bold"))
    for caution in shown.cautions:
        console.print(Text.assemble(("CAUTION ", "bold yellow"), caution))
    for line in shown.summary:
        console.print(Text(line))
    for table in shown.tables:
        console.print()
        console.print(Text(table.caption, style="bold"))
        for note in table.notes:
            console.print(Text(note, style="italic"))
        console.print(_table(table))
    console.print()
    for line in shown.method:
        console.print(Text(line, style="dim"))


def _table(table: Table) -> RichTable:
    made = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(table.columns):
        made.add_column(Text(column), overflow="fold", no_wrap=number == 0 and len(table.columns) > 1)
    for row in table.rows:
        made.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    return made


def _style(cell: str) -> str:
    verdict = verdict_of(cell)
    return _STYLES.get(verdict, "") if verdict else ""
