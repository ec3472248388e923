"""What the comparison comes to, as Markdown."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, geometric_mean, median

from benchmarks.governor.plan import COUNTED, LOAD_FACTORS, Finding
from benchmarks.governor.search import RUNG
from benchmarks.governor.trial import PROMISES

COMPARED = (
    "default",
    "single static",
    "finer static",
    "learned 0.9",
    "learned best",
    "oracle 0.9",
    "oracle best",
)


def sustained(findings: Sequence[Finding]) -> str:
    """Return a line for each case: what the best static sustains, and each other arm as a share of it.

    A share is the median over seeds, each against the best static on the same seed, with lowest and highest.
    """
    head = ["launch ms", "load", "ITL ms", "best static, tokens", "requests/s", *COMPARED]
    lines = [_line(head), _line(["---"] * len(head))]
    for each in findings:
        best = median(each.sustained["best static"])
        shares = [_spread(ratios(each, name)) if best else _absolute(each, name) for name in COMPARED]
        lines.append(_line([*_case(each), f"{each.arms['best static'].value:.0f}", f"{best:.2f}", *shares]))
    return "\n".join(lines)


def bad(findings: Sequence[Finding]) -> str:
    """Return a line for each case: percent of bad requests at three rates, medians over seeds."""
    head = ["launch ms", "load", "ITL ms", *COUNTED]
    lines = [_line(head), _line(["---"] * len(head))]
    for each in findings:
        if not each.bad_shares:
            continue
        cells = []
        for name in COUNTED:
            shares = [median(each.bad_shares[name, factor]) for factor in LOAD_FACTORS]
            cells.append(" / ".join(f"{100 * share:.1f}" for share in shares))
        lines.append(_line([*_case(each), *cells]))
    return "\n".join(lines)


def summary(findings: Sequence[Finding], by: Callable[[Finding], object]) -> str:
    """Return a line for each group and arm: how its sustainable rate stands to the best static's.

    Better and worse count cases whose median is off by more than a rung of the ladder, on all seeds.
    """
    head = [
        "of",
        "arm",
        "cases",
        "geometric mean",
        "worst",
        "best",
        "better",
        "worse",
        "bad, points at 0.8 / 0.95 / 1.1",
    ]
    lines = [_line(head), _line(["---"] * len(head))]
    groups: dict[object, list[Finding]] = {}
    for each in findings:
        if median(each.sustained["best static"]):
            groups.setdefault(by(each), []).append(each)
    for group, of in groups.items():
        for name in COMPARED:
            every = [ratios(each, name) for each in of]
            medians = [median(each) for each in every]
            above_0 = [each for each in medians if each]
            lines.append(_line([
                group, name, len(of), f"{geometric_mean(above_0):.3f}{'*' * (len(above_0) < len(of))}",
                f"{min(medians):.2f}", f"{max(medians):.2f}",
                sum(min(each) > 1 and median(each) > RUNG for each in every),
                sum(max(each) < 1 and median(each) < 1 / RUNG for each in every),
                _more_bad(of, name),
            ]))  # fmt: skip
    return "\n".join(lines)


def ratios(finding: Finding, name: str) -> list[float]:
    """Return an arm's sustainable rate over the best static's, for each seed that it was run on.

    Seeds on which the best static sustains nothing are left out.
    """
    pairs = zip(finding.sustained[name], finding.sustained["best static"], strict=False)
    return [arm / best for arm, best in pairs if best]


def _more_bad(findings: Iterable[Finding], name: str) -> str:
    """Return how many more requests in a hundred are bad than under the best static, the mean over cases."""
    cells = []
    for factor in LOAD_FACTORS:
        more = [
            median(each.bad_shares[name, factor]) - median(each.bad_shares["best static", factor])
            for each in findings
            if (name, factor) in each.bad_shares
        ]
        cells.append(f"{100 * fmean(more):+.1f}" if more else "-")
    return " / ".join(cells)


def _case(finding: Finding) -> tuple[str, str, str]:
    case = finding.case
    launch = f"{1e3 * case.launch_layer_seconds:.1f}"
    return launch, case.load, f"{1e3 * PROMISES[case.promise].itl_seconds:.0f}"


def _spread(shares: Sequence[float]) -> str:
    return f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


def _absolute(finding: Finding, name: str) -> str:
    return f"{median(finding.sustained[name]):.2f}/s"


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
