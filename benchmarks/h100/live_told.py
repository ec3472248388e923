"""Tell what `benchmarks.h100.live` saw: as Markdown, and as a picture of the run through both loads.

    python -m benchmarks.h100.live_told FOLDER PICTURE.svg

The latencies in bins are the client's p95 in each five seconds, counted from the run's first request on.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.h100.live import FILE, SAMPLES, lines
from benchmarks.h100.tune import BIN_SECONDS
from benchmarks.h100.tuned import SAMPLE_SECONDS, Phase, p95, phases, values

_MOST_TTFT_SECONDS = 1.0
_Line = dict[str, Any]


def main() -> None:
    """Print both tables and write the picture."""
    folder = Path(sys.argv[1])
    parts, samples = last_of_each(lines(folder / FILE)), lines(folder / SAMPLES)
    print("\n".join([*summary(parts, samples), "", *by_limits(parts, samples)]))
    _draw([part for part in parts if part["run"] == parts[0]["run"]], samples, Path(sys.argv[2]))


def last_of_each(parts: Iterable[_Line]) -> list[_Line]:
    """Return the newest line of each part of each run, in the order in which the first came."""
    return list({(part["run"], part["part"]): part for part in parts}.values())


def kept_from_seconds(part: _Line) -> float | None:
    """Return from when on every bin kept the promise, in seconds since the part began; None if never.

    A bin in which nothing came keeps nothing.
    """
    found = None
    for each in reversed(part["bins"]):
        itl, ttft = each["itl_p95"], each["ttft_p95"]
        if itl is None or ttft is None or itl > part["promise_ms"] / 1000 or ttft > _MOST_TTFT_SECONDS:
            break
        found = each["begin"] - part["begin"]
    return found


def own_phases(part: _Line, samples: Iterable[_Line]) -> list[Phase]:
    """Return the phases of a part alone, in seconds since the run began."""
    return [
        Phase(max(each.begin, part["begin"]), each.end, each.sequences, each.tokens)
        for each in phases(samples, part["began"], part["end"])
        if each.end >= part["begin"]
    ]


def summary(parts: Iterable[_Line], samples: Sequence[_Line]) -> list[str]:
    """Return each part on a line of Markdown: where the limits went and when, and its last 40 s."""
    found = [
        "| ITL p95 promise | load | requests/s | limits moved | the last time after | and ended at "
        "| every 5 s kept from | the last | ITL p95, ms | TTFT p95, ms | requests good | of |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for part in parts:
        seen = own_phases(part, samples)
        kept, last = kept_from_seconds(part), part["last"]
        at = f"{seen[-1].begin - part['begin']:.0f} s" if len(seen) > 1 else "-"
        ended = f"{seen[-1].sequences} sequences, {seen[-1].tokens} tokens" if seen else "unknown"
        found.append(
            f"| {part['promise_ms']:g} ms | {part['part']} | {part['rate_per_second']:g} "
            f"| {max(0, len(seen) - 1)} times | {at} | {ended} "
            f"| {'-' if kept is None else f'{kept:.0f} s'} | {last['window_seconds']:.0f} s "
            f"| {p95(last, 'itl')} | {p95(last, 'ttft')} | {last['good']} | {last['requests_offered']} |"
        )
    return found


def by_limits(parts: Iterable[_Line], samples: Sequence[_Line]) -> list[str]:
    """Return each phase of each part with the latencies in the bins that lie within it, as Markdown."""
    found = [
        "| ITL p95 promise | load | seconds of the run | sequences | tokens "
        "| ITL p95 of each 5 s, ms | TTFT p95 of each 5 s, ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in parts:
        for phase in own_phases(part, samples):
            inside = [
                each
                for each in part["bins"]
                if phase.begin <= each["begin"] and each["begin"] + BIN_SECONDS <= phase.end + SAMPLE_SECONDS
            ]
            found.append(
                f"| {part['promise_ms']:g} ms | {part['part']} | {phase.begin:.0f} to {phase.end:.0f} "
                f"| {phase.sequences} | {phase.tokens} "
                f"| {values(inside, 'itl_p95')} | {values(inside, 'ttft_p95')} |"
            )
    return found


def _draw(parts: Sequence[_Line], samples: Sequence[_Line], path: Path) -> None:
    mpl.rcParams.update({"svg.hashsalt": "setpoint", "font.size": 9, "svg.fonttype": "none"})
    figure, (upper, lower) = pyplot.subplots(
        2, 1, figsize=(7.5, 5.0), sharex=True, layout="constrained", height_ratios=(2, 1)
    )
    bins = [each for part in parts for each in part["bins"] if each["itl_p95"] is not None]
    middles = [each["begin"] + BIN_SECONDS / 2 for each in bins]
    upper.plot(middles, [1000 * each["itl_p95"] for each in bins], marker="o", label="p95 of each 5 s")
    upper.axhline(parts[0]["promise_ms"], color="C3", linewidth=1, linestyle=":", label="promise")
    for part in parts:
        upper.axvline(part["begin"], color="grey", linewidth=0.8)
        upper.annotate(f" {part['part']}, {part['rate_per_second']:g}/s", (part["begin"], 0.97),
                       xycoords=("data", "axes fraction"), va="top")  # fmt: skip
    highest = max([parts[0]["promise_ms"], *(1000 * each["itl_p95"] for each in bins)])
    upper.set(ylabel="between tokens, ms", ylim=(0, 1.2 * highest))
    upper.legend(loc="upper right")
    seen = phases(samples, parts[0]["began"], parts[-1]["end"])
    lower.step([each.begin for each in seen] + [seen[-1].end],
               [each.tokens for each in seen] + [seen[-1].tokens], where="post", color="C1")  # fmt: skip
    lower.set(xlabel="seconds", ylabel="tokens a step", yscale="log")
    lower.set_yticks([256, 512, 1024, 2048, 4096, 8192], ["256", "512", "1024", "2048", "4096", "8192"])
    lower.minorticks_off()
    lower.grid(alpha=0.3)
    upper.set_title(f"{parts[0]['device']}, vLLM {parts[0]['vllm']}, {parts[0]['date'][:10]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
