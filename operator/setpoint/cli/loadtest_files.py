"""The folder that a load test leaves: its report, and one line for each request."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from setpoint.cli.documents import DocumentError
from setpoint.loadgen.measure import Held
from setpoint.loadgen.report import Report


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """A folder that takes files."""

    path: Path

    @classmethod
    def proven(cls, path: Path) -> "ReportFolder":
        """Make the folder and try it. Raises DocumentError when nothing can be written there."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path) as probe:
                probe.write(b"\n")
                probe.flush()
        except OSError as error:
            raise DocumentError(f"--out: {path} cannot be written: {error.strerror}") from error
        return cls(path)

    def write(self, report: Report, held: Sequence[Held]) -> None:
        """Write both files, each whole or not at all. Raises DocumentError."""
        lines = "".join(line for number, each in enumerate(held) for line in _lines(number, each))
        try:
            for name, text in (
                ("report.json", report.model_dump_json(indent=2) + "\n"),
                ("requests.jsonl", lines),
            ):
                part = self.path / f".{name}.part"
                part.write_text(text, encoding="utf-8")
                part.replace(self.path / name)
        except OSError as error:
            raise DocumentError(f"--out: {self.path} cannot be written: {error.strerror}") from error


def _lines(stage: int, held: Held) -> list[str]:
    """Return the requests of a stage as lines of JSON; times in seconds since the stage began."""
    return [
        json.dumps(
            {
                "stage": stage,
                "number": record.number,
                "scheduled": round(record.scheduled, 6),
                "sent": round(record.sent, 6),
                "first": None if record.first is None else round(record.first, 6),
                "ended": None if record.ended is None else round(record.ended, 6),
                "prompt_tokens": record.prompt_tokens,
                "output_tokens": record.output_tokens,
                "mean_itl_seconds": round(record.mean_itl_seconds, 6),
                "error": record.error,
            }
        )
        + "\n"
        for record in sorted(held.records, key=lambda record: record.scheduled)
    ]
