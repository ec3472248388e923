"""The rows of a sweep as Markdown."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from statistics import fmean, median

from benchmarks.tuner.arms import ARMS, DEFAULT, SETPOINT
from benchmarks.tuner.cases import STEADY
from benchmarks.tuner.comparison import Comparison, Loss, Spread, best_single, comparisons, losses
from benchmarks.tuner.days import Day
from benchmarks.tuner.trial import Row


def told(rows: Sequence[Row]) -> str:
    """Return all tables, and each loss of the tuner by name."""
    compared = comparisons(rows)
    arms = [each for each in ARMS if any(each in case.rows for case in compared)]
    single = best_single(compared)
    parts = [
        "Sustainable rate at the end by the promise on gaps, requests a second in the median:",
        curve(compared, arms),
        "The same as a share of the best static setting of the case: median (least to most) over seeds:",
        by_case(compared, arms, lambda each, arm: _spread(each.share(arm))),
        "Bad requests, % of those offered, in the median:",
        by_case(compared, arms, lambda each, arm: _percent(each.bad_share(arm).median)),
        "Windows of a minute in which both p95s were kept, %, in the median:",
        by_case(compared, arms, lambda each, arm: _percent(each.kept_share(arm).median)),
        "Over all cases:",
        summary(compared, arms),
        f"Best single static setting: {single or 'none was run on every case'}.",
        f"Where {SETPOINT} loses:",
        loss_table(losses(compared, SETPOINT)),
    ]
    return "\n\n".join(parts)


def told_days(days: Sequence[Day]) -> str:
    """Return what a day with the autoscaler costs each arm, under each promise."""
    if not days:
        return "No day was played."
    head = [
        "promise (p95)", "arm", "seeds", "GPU-hours", "per million good tokens", "least", "most",
        "good requests", "hours kept of 24",
    ]  # fmt: skip
    lines = []
    for (promise, arm), group in groupby(days, lambda each: (each.promise, each.arm)):
        of = list(group)
        cost = Spread.of(each.gpu_hours_per_million_good_tokens for each in of)
        lines.append(
            [
                promise,
                arm,
                str(len(of)),
                f"{median(each.gpu_hours for each in of):g}",
                *(f"{each:.4f}" for each in (cost.median, cost.least, cost.most)),
                _percent(median(each.good / each.offered for each in of)),
                f"{median(each.hours_kept for each in of):g}",
            ]
        )
    return _markdown(head, lines)


def curve(compared: Iterable[Comparison], arms: Sequence[str]) -> str:
    """Return the sustainable rates of the loads that were run under every promise."""
    lines = [
        [
            *each.key,
            *(f"{each.rate(arm):.1f}" if arm in each.rows else "-" for arm in arms),
            each.oracle or "-",
            _ratio(each, each.oracle),
            _ratio(each, SETPOINT),
        ]
        for each in compared
        if each.key[0] in STEADY
    ]
    head = ["load", "promise (p95)", *arms, "best static", "it / default", f"{SETPOINT} / default"]
    return _markdown(head, lines)


def by_case(
    compared: Iterable[Comparison], arms: Sequence[str], cell: Callable[[Comparison, str], str]
) -> str:
    """Return a line for each case, with a cell for each arm."""
    lines = [
        [*each.key, each.oracle or "-", *(cell(each, arm) if arm in each.rows else "-" for arm in arms)]
        for each in compared
    ]
    return _markdown(["load", "promise (p95)", "best static", *arms], lines)


def summary(compared: Sequence[Comparison], arms: Sequence[str]) -> str:
    """Return a line for each arm: medians over seeds, and then over cases; the least and most of those."""
    head = [
        "arm", "cases", "share of best static", "least", "bad", "bad before settled", "windows kept",
        "windows to the end state", "most", "changes an hour", "most", "good tok/s, of default's",
    ]  # fmt: skip
    return _markdown(head, [_summed(compared, arm) for arm in arms])


def _summed(compared: Sequence[Comparison], arm: str) -> list[str]:
    cases = [each for each in compared if arm in each.rows]
    shares = [share.median for each in cases if (share := each.share(arm))]

    def over_cases(figure: Callable[[Row], float]) -> list[float]:
        return [median(map(figure, each.rows[arm].values())) for each in cases]

    settled = over_cases(lambda row: row.settled_windows)
    changes = over_cases(lambda row: 3600 * row.changes / row.seconds)
    return [
        arm,
        str(len(cases)),
        f"{median(shares):.3f}" if shares else "-",
        f"{min(shares):.3f}" if shares else "-",
        _percent(fmean(over_cases(lambda row: row.bad / row.offered))),
        _percent(fmean(over_cases(lambda row: row.bad_before_settled / row.offered))),
        _percent(fmean(over_cases(lambda row: row.windows_kept / row.windows))),
        f"{median(settled):g}",
        f"{max(settled):g}",
        f"{median(changes):.1f}",
        f"{max(changes):.1f}",
        _good_tokens(cases, arm),
    ]


def _good_tokens(cases: Sequence[Comparison], arm: str) -> str:
    ratios = [
        median(each.good_tokens for each in case.rows[arm].values()) / theirs
        for case in cases
        if DEFAULT in case.rows
        and (theirs := median(each.good_tokens for each in case.rows[DEFAULT].values()))
    ]
    return f"{median(ratios):.3f}" if ratios else "-"


def loss_table(lost: Sequence[Loss]) -> str:
    """Return a line for each loss."""
    if not lost:
        return "Nowhere."
    lines = [[*each.key, each.what, f"{each.arm:.4g}", each.other, f"{each.others:.4g}"] for each in lost]
    return _markdown(["load", "promise (p95)", "what", SETPOINT, "of", "has"], lines)


def _ratio(compared: Comparison, arm: str | None) -> str:
    share = compared.share(arm, DEFAULT) if arm in compared.rows and arm else None
    return f"{share.median:.2f}" if share else "-"


def _spread(share: Spread | None) -> str:
    if share is None:
        return "-"
    if share.least == share.most:
        return f"{share.median:.2f}"
    return f"{share.median:.2f} ({share.least:.2f} to {share.most:.2f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(each) + " |" for each in (head, rule, *lines))
