"""What happened in a stage that the figures of its window do not show."""

from collections import Counter
from collections.abc import Sequence

from setpoint.loadgen.records import Record
from setpoint.loadgen.window import Window


def unseen(records: Sequence[Record], window: Window) -> list[str]:
    """Return what a reader of the window's figures would miss; [] when there is nothing."""
    notes = []
    if failed := Counter(
        record.error for record in records if record.error and record.scheduled not in window
    ):
        kinds = " ".join(f"{kind}:{number}" for kind, number in sorted(failed.items()))
        before = sum(bool(record.error) and record.scheduled < window.start for record in records)
        notes.append(
            f"{_requests(failed.total())} of outside the window failed, {before} of them in the warm-up "
            f"({kinds}): the figures and the errors are of the window alone"
        )
    late = [
        record
        for record in records
        if record.scheduled < window.end and (record.ended is None or record.ended >= window.end)
    ]
    throughout = sum(record.scheduled <= window.start for record in late)
    if late and not any(record.ended in window for record in records):
        notes.append(
            f"no request ended in the window: {len(late)} {_were(len(late))} under way at its end, "
            f"{throughout} of them all through it; one without an end is an error only after --timeout"
        )
    elif throughout:
        notes.append(
            f"{_requests(throughout)} {_were(throughout)} under way all through the window: neither answered "
            "nor an error; one without an end is an error only after --timeout"
        )
    return notes


def _requests(number: int) -> str:
    return f"{number} request{'s' if number != 1 else ''}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
