"""A comparison in words and tables, the same for every renderer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from setpoint.compare import words
from setpoint.compare.comparison import Compared, Comparison, Match, Verdict
from setpoint.compare.cost import Price, per_million, total_tokens_per_second
from setpoint.compare.differences import FALSE_DISCOVERY_RATE, Threshold
from setpoint.compare.figures import (
    FAILED,
    GOODPUT,
    ITL_P95,
    OUTPUT_TOKENS,
    SUSTAINABLE_RATE,
    TTFT_P95,
)
from setpoint.compare.loads import flaws, stages_by_load
from setpoint.compare.runs import Run
from setpoint.loadgen.report import Stage

_METHOD = (
    "Square brackets hold bounds. Those of a value are its 95 % confidence interval, as the report has it.",
    "Sweet spot: with an SLO the highest load that kept it, as did every lower one; without, the knee of "
    "output tokens/s against load (Kneedle). A stage that is invalid or not stationary is never one.",
    "A percentile has an upper bound from so many independent samples on: p50 6, p90 36, p95 72, p99 368. "
    "Requests of a busy moment are not independent and count as fewer. Without a bound it is not judged.",
    "Latencies are those of the requests that were answered. The lower one of a run that failed more is not "
    "judged.",
    "The intervals know the noise within a run. What moves from one run to the next, such as a GPU's "
    "temperature, is not in them: compare two runs of one setting to see it.",
)
_COST = (
    "Cost: price of a GPU hour x GPUs / tokens an hour; bounds from the throughput's interval. Tokens of "
    "requests that missed the SLO are paid for, and counted, too."
)
_VERDICT = re.compile(rf"(?:[-+][0-9.]+ )?({'|'.join(Verdict)})(?: \([^()]*\))?")
_SLO_MET = {True: "kept", False: "missed", None: words.MISSING}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """What qualifies the figures of this table."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader is told, in this order."""

    title: str
    cautions: tuple[str, ...]
    summary: tuple[str, ...]
    tables: tuple[Table, ...]
    method: tuple[str, ...]


def document(comparison: Comparison) -> Document:
    """Return the comparison in words."""
    first = comparison.runs[0].report
    work = first.workload
    return Document(
        title=f"Load tests compared: {', '.join(run.label for run in comparison.runs)}",
        cautions=tuple(map(words.printable, comparison.cautions)),
        summary=tuple(
            map(
                words.printable,
                (
                    f"Work: {work.api}, prompts {work.prompt_tokens}, answers {work.output_tokens} tokens, "
                    f"{work.shared_prefix:.0%} of a prompt shared",
                    f"SLO: {first.slo}; ITL of a request by {first.itl_rule}" if first.slo else "SLO: none",
                    *(f"Note: {note}" for note in comparison.notes),
                ),
            )
        ),
        tables=tuple(_tables(comparison)),
        method=tuple(_method(comparison)),
    )


def _method(comparison: Comparison) -> Iterator[str]:
    yield from _METHOD
    if comparison.judged:
        yield (
            f"Differences are from run {comparison.runs[0].label}. {comparison.judged} were judged; their "
            f"intervals are at {comparison.threshold.level * 100:.4g} % (variance estimates recovery, Zou "
            "and Donner), so chosen that of the differences called better or worse at most "
            f"{FALSE_DISCOVERY_RATE * 100:g} % are expected to be noise (Benjamini and Hochberg)."
        )
    if comparison.prices:
        yield _COST


def _tables(comparison: Comparison) -> Iterator[Table]:
    yield _runs(comparison.runs)
    yield _sweet_spots(comparison)
    in_short = _in_short(comparison)
    if in_short.rows:
        yield in_short
    yield _stages(comparison.runs)
    if comparison.prices:
        yield _costs(comparison)
    for match in comparison.matches:
        yield _match(match, comparison)


def _runs(runs: Sequence[Run]) -> Table:
    return Table(
        "Runs",
        ("Run", "File", "Model", "Engine", "Settings", "Started"),
        tuple(
            tuple(
                map(
                    words.printable,
                    (
                        run.label,
                        run.path,
                        run.report.target.model,
                        run.report.target.engine or words.MISSING,
                        ", ".join(
                            f"{key}={value}" for key, value in sorted(run.report.target.settings.items())
                        )
                        or words.MISSING,
                        run.report.started_at,
                    ),
                )
            )
            for run in runs
        ),
    )


def _sweet_spots(comparison: Comparison) -> Table:
    searched = any(SUSTAINABLE_RATE.shown(run.report) for run in comparison.runs)
    return Table(
        "Sweet spots",
        (
            "Run",
            "Load",
            "Why",
            *_per_million_columns(comparison),
            *([SUSTAINABLE_RATE.name] if searched else []),
        ),
        tuple(
            (
                run.label,
                str(spot.load or words.MISSING),
                words.printable(spot.reason),
                *_per_million(spot.stage, price),
                *([words.estimate(SUSTAINABLE_RATE.shown(run.report))] if searched else []),
            )
            for run, spot, price in zip_longest(comparison.runs, comparison.sweet_spots, comparison.prices)
        ),
    )


def _stages(runs: Sequence[Run]) -> Table:
    bounded, plain = (OUTPUT_TOKENS, TTFT_P95, ITL_P95), (GOODPUT, FAILED)
    return Table(
        "Loads",
        ("Run, load", *(figure.name for figure in (*bounded, *plain)), "SLO"),
        tuple(
            (
                f"{run.label}, {load}",
                *(words.estimate(figure.shown(stage)) for figure in bounded),
                *(words.value(figure.shown(stage)) for figure in plain),
                Verdict.NOT_JUDGED if flaws(stage) else _SLO_MET[stage.slo_met],
            )
            for run in runs
            for load, stage in stages_by_load(run.report).items()
        ),
    )


def _costs(comparison: Comparison) -> Table:
    return Table(
        "Cost per million tokens",
        ("Run, load", *_per_million_columns(comparison)),
        tuple(
            (f"{run.label}, {load}", *_per_million(stage, price))
            for run, price in zip(comparison.runs, comparison.prices, strict=True)
            for load, stage in stages_by_load(run.report).items()
            if not flaws(stage)
        ),
        notes=tuple(
            f"{run.label}: {price.gpus} x {price.per_gpu_hour} {price.currency} a GPU hour"
            for run, price in zip(comparison.runs, comparison.prices, strict=True)
        ),
    )


def _per_million_columns(comparison: Comparison) -> tuple[str, ...]:
    return ("per million output tokens", "per million tokens in and out") if comparison.prices else ()


def _per_million(stage: Stage | None, price: Price | None) -> tuple[str, ...]:
    if price is None:
        return ()
    if stage is None:
        return (words.MISSING, words.MISSING)
    return tuple(
        words.cost(per_million(tokens, price), price.currency)
        for tokens in (stage.output_tokens_per_second, total_tokens_per_second(stage))
    )


def _in_short(comparison: Comparison) -> Table:
    shown = (OUTPUT_TOKENS, GOODPUT, TTFT_P95, ITL_P95, FAILED)
    first = comparison.runs[0].label
    rows = []
    for match in comparison.matches:
        by_name = {each.name: each for each in match.figures}
        if OUTPUT_TOKENS.name in by_name:  # not a capacity search
            cells = (_in_short_cell(by_name[figure.name], comparison.threshold) for figure in shown)
            rows.append((f"{match.second.label}, {match.under}", *cells))
    names = (figure.name.partition(",")[0] for figure in shown)
    return Table(f"Differences from {first}, in percent", ("Run, load", *names), tuple(rows))


def _in_short_cell(compared: Compared, limit: Threshold) -> str:
    told = _told(compared, limit)
    if compared.verdict(limit) is Verdict.NOT_JUDGED:
        return told
    percent, _ = words.percent(compared.difference, compared.first)
    return told if percent == words.MISSING else f"{percent} {told}"


def _told(compared: Compared, limit: Threshold) -> str:
    verdict = compared.verdict(limit)
    return f"{verdict} ({compared.remark})" if compared.remark else verdict


def verdict_of(cell: str) -> Verdict | None:
    """Return the verdict that a cell tells, with its remark if it has one; None for any other cell."""
    found = _VERDICT.fullmatch(cell)
    return Verdict(found[1]) if found else None


def _match(match: Match, comparison: Comparison) -> Table:
    first, second = match.first.label, match.second.label
    rows = []
    for each in match.figures:
        verdict = each.verdict(comparison.threshold)
        judged = None if verdict is Verdict.NOT_JUDGED else each.difference
        bounded = judged and judged.at(comparison.threshold.level)
        rows.append(
            (
                each.name,
                words.estimate(each.first),
                words.estimate(each.second),
                "".join(words.percent(bounded, each.first)),
                _told(each, comparison.threshold),
            )
        )
    return Table(
        f"{second} against {first}: {match.under}",
        ("Figure", first, second, f"{second} less {first}, %", "Verdict"),
        tuple(rows),
        notes=tuple(f"Not judged: {words.printable(flaw)}." for flaw in match.flaws),
    )
