"""What a figure was measured on, and when."""

import os
import platform
from datetime import UTC, datetime

from setpoint.loadgen.machine import processor


def description() -> dict[str, str]:
    """Return processor, cores, Python and date."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
