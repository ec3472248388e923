"""The limits files as they stand: what cannot be read, or is no limits file, changes nothing."""

from collections.abc import Sequence
from pathlib import Path

from setpoint_vllm.complaints import Complaints
from setpoint_vllm.limits_file import MAX_CHARACTERS, LimitsFile, newest, parse


class LimitsFiles:
    """One or more files, of which the newest is believed."""

    def __init__(self, paths: Sequence[Path], complaints: Complaints) -> None:
        self._paths = paths
        self._complaints = complaints

    def newest(self, believed: LimitsFile) -> LimitsFile:
        """Read them anew; the one to believe, after what was believed so far."""
        return newest([found for path in self._paths if (found := self._read(path))], believed)

    def _read(self, path: Path) -> LimitsFile | None:
        try:
            # With line ends as they are: the writer counts both characters of CRLF too.
            with path.open(encoding="utf-8", newline="") as file:
                text = file.read(MAX_CHARACTERS + 1)
            if not text:  # as the kubelet shows an annotation that is not there
                return None
            found = parse(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._complaints.say(path, f"{path} is no limits file, what was good before stays: {error}")
            return None
        self._complaints.is_well(path)
        return found
