"""What a figure was measured on, and when."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def description() -> dict[str, str]:
    """Return processor, cores, Python and date."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
