"""What the lines of one phase come to."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from setpoint.kube.objects import Object


def figures(lines: Sequence[Object], queries: float, wire_bytes: float) -> Object:
    """Return means of a cycle and rates of an hour, of cycles that followed each other."""
    seconds = sum(each["since_seconds"] for each in lines)
    writes: Counter[str] = Counter()
    for each in lines:
        writes.update(each["writes"])
    return {
        "minutes": round(seconds / 60, 1),
        "cycles": len(lines),
        "queries_a_cycle": round(queries / len(lines), 2),
        "wire_bytes_a_cycle": round(wire_bytes / len(lines)),
        "cpu_seconds_a_cycle": _mean(lines, "cpu_seconds"),
        "cpu_share_of_a_core": round(sum(each["cpu_seconds"] for each in lines) / seconds, 3),
        **{
            f"{part}_seconds_a_cycle": _mean(lines, f"{part}_seconds")
            for part in ("cycle", "observe", "scrape", "decide_and_write")
        },
        "scrape_cpu_seconds_a_cycle": _mean(lines, "scrape_cpu_seconds"),
        "longest_cycle_seconds": round(max(each["cycle_seconds"] for each in lines), 2),
        "rss_mb": max(each["rss_mb"] for each in lines),
        "unread_engines_a_cycle": round(fmean(each["unread"] for each in lines), 2),
        "writes": dict(sorted(writes.items())),
        "writes_an_hour": {kind: round(count * 3600 / seconds) for kind, count in sorted(writes.items())},
    }


def _mean(lines: Sequence[Object], name: str) -> float:
    return round(fmean(each[name] for each in lines), 3)
