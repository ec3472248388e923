"""What a load test leaves: on standard output, and in a folder its report and one line for each request."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import OutputError, write
from setpoint.loadgen.measure import Held
from setpoint.loadgen.report import Report

_REPORT, _REQUESTS = "report.json", "requests.jsonl"


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
        for name in (_REPORT, _REQUESTS):
            if (path / name).is_dir():
                raise DocumentError(f"--out: {path / name} is a folder: move it, or choose another --out")
        return cls(path)

    @classmethod
    def instead(cls) -> "ReportFolder":
        """Return a new folder among the temporary files. Raises OSError."""
        return cls(Path(tempfile.mkdtemp(prefix="setpoint-loadtest-")))

    def write(self, report: Report, held: Sequence[Held]) -> None:
        """Write both files, each whole or not at all; the folder anew if it is gone. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._write(_REPORT, report.model_dump_json(indent=2) + "\n")
        self._write(
            _REQUESTS, "".join(line for stage, each in enumerate(held) for line in _lines(stage, each))
        )

    def _write(self, name: str, text: str) -> None:
        part = self.path / f".{name}.part"
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self.path / name)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise


def deliver(report: Report, held: Sequence[Held], folder: ReportFolder | None, text: str) -> None:
    """Write the folder, and the text to standard output.

    When one of them takes nothing, the report goes elsewhere, as a load test cannot be had again. Raises
    OutputError that says where.
    """
    faults: list[str] = []
    is_kept = False
    if folder:
        try:
            folder.write(report, held)
            is_kept = True
        except OSError as error:
            faults.append(f"--out: {folder.path} cannot be written: {error.strerror}")
    try:
        write(text)
    except OutputError as error:
        faults.append(str(error))
    if faults:
        raise OutputError("\n".join([*faults, *([] if is_kept else [_elsewhere(report, held)])]))


def _elsewhere(report: Report, held: Sequence[Held]) -> str:
    """Write the report where there is still room for it, and say where that is."""
    try:
        folder = ReportFolder.instead()
        folder.write(report, held)
    except OSError as error:
        with suppress(OutputError):
            write(report.model_dump_json(indent=2) + "\n")
            return f"the report is on standard output only: {tempfile.gettempdir()}: {error.strerror}"
        return f"the report is lost: {tempfile.gettempdir()}: {error.strerror}"
    return f"the report is in {folder.path}"


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
                "mean_itl_seconds": round(record.mean_itl_seconds, 6) if record.itl_is_known else None,
                "error": record.error,
            }
        )
        + "\n"
        for record in sorted(held.records, key=lambda record: record.scheduled)
    ]
