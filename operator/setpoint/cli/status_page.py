"""The page about one service: is it served, is the promise kept, what is limited, what was done, what to do.

Pure. Lines are at most 110 columns wide, and about 40; what others wrote cannot steer a terminal.
"""

import textwrap
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from setpoint.api.status import ConditionStatus, ConditionType
from setpoint.cli.status_facts import Change, Condition, Facts, Limit, Objective, Pod
from setpoint.cli.status_next import next_steps

WIDTH = 110
_INDENT = 11
"""Columns of the heads at the left."""
_MOST_PODS, _MOST_CHANGES, _MOST_LINES = 6, 4, 3
_BOLD, _RED, _GREEN, _YELLOW, _PLAIN = "\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"
_COLOURS = {ConditionStatus.TRUE: _GREEN, ConditionStatus.FALSE: _RED, ConditionStatus.UNKNOWN: _YELLOW}
_SURE = {"Kept": "kept for sure", "Broken": "broken for sure", "Unclear": "too close to tell"}


def page(facts: Facts, *, colour: bool = False) -> str:
    """Return the page as text."""
    lines = [
        *_head(facts),
        *_section("Serving", _serving(facts), _verdict(facts, ConditionType.READY), colour=colour),
        *_section("Promise", _promise(facts), _verdict(facts, ConditionType.SLO_MET), colour=colour),
        *_section("Limits", _limits(facts), None, colour=colour),
        *_section("Last hour", _last_hour(facts), None, colour=colour),
        *_next(facts, colour=colour),
    ]
    return "\n".join(lines) + "\n"


def _head(facts: Facts) -> Iterator[str]:
    mode = f"tuning {facts.mode}" if facts.has_promise else "no promise"
    moment = datetime.fromtimestamp(facts.now_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield from _wrapped(f"{facts.namespace}/{facts.name}  {facts.model}  {mode}  {moment}", 0)


def _verdict(facts: Facts, kind: ConditionType) -> str | None:
    condition = facts.conditions.get(kind)
    return condition.status if condition else None


def _section(head: str, lines: Iterable[str], verdict: str | None, *, colour: bool) -> Iterator[str]:
    """The lines behind a head; a line's own leading blanks indent what it goes on with."""
    yield ""
    name = head
    for number, line in enumerate(lines):
        for part in _wrapped(line, len(line) - len(line.lstrip())):
            text = f"{name:<{_INDENT}}{part}".rstrip()
            if colour and name:
                text = f"{_BOLD}{name:<{_INDENT}}{_PLAIN}{_coloured(part, verdict if not number else None)}"
            yield text
            name = ""


def _coloured(text: str, verdict: str | None) -> str:
    chosen = _COLOURS.get(ConditionStatus(verdict)) if verdict in set(ConditionStatus) else None
    return f"{chosen}{text}{_PLAIN}" if chosen else text


def _wrapped(line: str, indent: int) -> list[str]:
    blanks = " " * (indent + 2 if indent else 0)
    return textwrap.wrap(
        _cleaned(line),
        WIDTH - _INDENT,
        subsequent_indent=blanks,
        max_lines=_MOST_LINES,
        placeholder=" ...",
        break_on_hyphens=False,
    )


def _cleaned(text: str) -> str:
    """Without what a terminal would obey, and on one line."""
    return "".join(each if each.isprintable() else " " for each in text)


def _serving(facts: Facts) -> Iterator[str]:
    ready = facts.conditions.get(ConditionType.READY)
    if ready is None:
        yield "not known: the operator has not looked at this service yet"
    elif ready.status == ConditionStatus.TRUE:
        yield f"yes, {_since(ready, facts)}: {ready.message}"
    else:
        yield f"NO, {_since(ready, facts)}: {ready.reason}: {ready.message}"
    for kind in (ConditionType.ACCEPTED, ConditionType.PROGRESSING):
        condition = facts.conditions.get(kind)
        if condition is not None and _is_news(kind, condition):
            yield f"{kind.value} is {condition.status}: {condition.reason}: {condition.message}"
    if not facts.is_observed and ready is not None:
        yield "what is said here is of an older spec: the operator has not seen the newest"
    if "pods" in facts.unread:
        yield f"pods: {facts.unread['pods']}"
    width = max((len(pod.name) for pod in facts.pods[:_MOST_PODS]), default=0)
    for pod in facts.pods[:_MOST_PODS]:
        yield _pod(pod, width, facts)
    if more := facts.pods[_MOST_PODS:]:
        bad = sum(not pod.is_routable for pod in more)
        yield f"  and {len(more)} more, {bad} of them not routable"


def _is_news(kind: ConditionType, condition: Condition) -> bool:
    if kind is ConditionType.ACCEPTED:
        return condition.status == ConditionStatus.FALSE
    return condition.reason not in {"Complete", "NotAccepted"}


def _pod(pod: Pod, width: int, facts: Facts) -> str:
    restarts = f"{pod.restarts} restart{'' if pod.restarts == 1 else 's'}"
    if pod.last_end_seconds is not None:
        restarts += f", last end {_span(facts.now_seconds - pod.last_end_seconds)} ago: {pod.last_end}"
    node = f"on {pod.node}" if pod.node else ""
    return "  ".join(filter(None, (f"  {pod.name:<{width}}", pod.state, node, restarts)))


def _promise(facts: Facts) -> Iterator[str]:
    if not facts.has_promise:
        yield "none: spec.slo is not set"
        return
    met = facts.conditions.get(ConditionType.SLO_MET)
    if met is None:
        yield "not known: the tuner has not looked at this service yet"
    elif met.status == ConditionStatus.TRUE:
        yield f"kept, {_since(met, facts)}"
    elif met.status == ConditionStatus.FALSE:
        yield f"NOT KEPT, {_since(met, facts)}"
    else:
        yield f"NOT KNOWN, {_since(met, facts)}: {met.reason}: {met.message}"
    width = max((len(each.name) for each in facts.objectives), default=0)
    for each in facts.objectives:
        yield _objective(each, width, is_known=met is not None and met.status != ConditionStatus.UNKNOWN)
    if facts.good_share:
        window = f" in {facts.window}" if facts.window else ""
        yield f"  {facts.good_share} of all requests met every objective{window}"


def _objective(of: Objective, width: int, *, is_known: bool) -> str:
    promised = f"  {of.name:<{width}}  p{of.percentile} within {of.threshold}"
    if not of.verdict:
        return f"{promised}  nothing judged"
    allowed = "" if of.percentile is None else f", allowed {100 - of.percentile}%"
    sure = _SURE.get(of.verdict, of.verdict) if is_known else "as far as was seen"
    return f"{promised}  {of.bad_share} beyond{allowed}  {sure}, of {of.samples:,}"


def _limits(facts: Facts) -> Iterator[str]:
    tuning = facts.conditions.get(ConditionType.TUNING)
    if tuning is not None:
        yield f"{tuning.reason}: {tuning.message}"
    elif not facts.limits:
        yield "all at their start values, as far as is known"
    if facts.limits:
        yield f"  {'':<20}{'wanted':>10}{'in force':>10}{'start':>10}"
        yield from map(_limit, facts.limits)
    sustained, at_start, saturation = facts.estimated
    if sustained:
        yield f"  predicted, not measured: an engine keeps the promise up to {sustained} requests/s,"
        yield f"  with its start values up to {at_start}"
        if saturation:
            yield f"  what comes is {saturation} of what all engines sustain under these limits"
    ends = facts.lease_ends_seconds
    if ends is not None and ends >= facts.now_seconds:
        left = _span(ends - facts.now_seconds)
        yield f"  lent until {_clock(ends)}, for {left} more; renewed while the data are good"
    elif ends is not None:
        ago = _span(facts.now_seconds - ends)
        yield f"  THE LEASE ENDED {ago} ago, at {_clock(ends)}: the engines go back to their start values"
    elif any(each.wanted for each in facts.limits):
        why = facts.unread.get("tuningcheckpoints")
        yield f"  the end of the lease is not known: {why}" if why else "  without a lease: they stay"


def _limit(of: Limit) -> str:
    start = "none" if of.start is None and of.name == "maxQueuedTokens" else of.start
    values = [of.wanted, of.in_force, start]
    wanted, in_force, begun = ("-" if each is None else str(each) for each in values)
    return f"  {of.name:<20}{wanted:>10}{in_force:>10}{begun:>10}"


def _last_hour(facts: Facts) -> Iterator[str]:
    if not facts.changes:
        yield "no limit was moved, and nothing was recommended anew"
    for each in facts.changes[:_MOST_CHANGES]:
        yield from _change(each, facts)
    if more := facts.changes[_MOST_CHANGES:]:
        yield f"and {len(more)} more: kubectl get infsvc {facts.name} -n {facts.namespace} -o yaml"


def _change(change: Change, facts: Facts) -> Iterator[str]:
    done = "" if change.is_applied else "recommended, not done: "
    moves = ", ".join(change.moves) or "nothing"
    ago = _span(facts.now_seconds - change.at_seconds)
    yield f"{_clock(change.at_seconds)} ({ago} ago)  {change.policy}: {done}{moves}"
    if change.cause:
        yield f"  since {change.cause}"
    if change.is_applied:
        yield f"  {change.effect or 'what came of it is not known'}"


def _next(facts: Facts, *, colour: bool) -> Iterator[str]:
    """The steps; a command has a line to itself, whole, so that it can be copied."""
    steps = next_steps(facts)
    if not steps:
        yield from _section("Next", ["nothing has to be done"], None, colour=colour)
    for number, each in enumerate(steps):
        found = _section("" if number else "Next", [f"{each.why}: {each.what}"], None, colour=colour)
        yield from list(found)[bool(number) :]  # without another empty line
        if each.command:
            yield f"    {_cleaned(each.command)}"


def _since(condition: Condition, facts: Facts) -> str:
    if condition.since_seconds is None:
        return "since when is not known"
    return f"since {_clock(condition.since_seconds)} ({_span(facts.now_seconds - condition.since_seconds)})"


def _clock(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%H:%M")


def _span(seconds: float) -> str:
    whole = max(int(seconds), 0)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // part}{smaller}"
    return f"{whole // 60}m" if whole >= 60 else f"{whole}s"
