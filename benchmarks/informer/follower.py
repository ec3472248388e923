"""What every measured implementation tells: events by type, the names of what it holds, time and memory."""

import json
import sys
import time
from collections import Counter
from pathlib import Path


class Follower:
    """One measured process. It counts from here: the imports are done."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self._started_at = time.monotonic()
        self._cpu_seconds_at_start = time.process_time()
        self._rss_mb_at_start = _status_mb("VmRSS")

    def report(self, names: list[str], seconds_a_lookup: float | None = None) -> None:
        """Write one line about now."""
        facts = {
            "seconds": round(time.monotonic() - self._started_at, 2),
            "cpu_seconds": round(time.process_time() - self._cpu_seconds_at_start, 2),
            "rss_mb_before": self._rss_mb_at_start,
            "rss_mb": _status_mb("VmRSS"),
            "peak_rss_mb": _status_mb("VmHWM"),
            "names": sorted(names),
            "events": dict(self.events),
        }
        if seconds_a_lookup is not None:
            facts["owner_lookup_microseconds"] = round(seconds_a_lookup * 1e6, 1)
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def _status_mb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:"))
