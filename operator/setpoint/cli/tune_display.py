"""What a person sees of `setpoint tune`: a line whenever something changes, and one a minute."""

from datetime import UTC, datetime
from typing import TextIO

from setpoint.tuner.evidence import Evidence
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.state import Decision, State
from setpoint_vllm.limits_file import Limit

_QUIET_SECONDS = 60.0
_NAMES = {Limit.TOKENS: "tokens", Limit.SEQS: "seqs", Limit.QUEUED_TOKENS: "queued tokens"}


class Display:
    """Tells how the tuner does. An output that takes nothing more ends no tuner."""

    def __init__(self, out: TextIO) -> None:
        self._out: TextIO | None = out
        self._said: tuple[object, ...] = ()
        self._said_seconds = 0.0

    def note(self, text: str) -> None:
        """Tell something that is not a cycle."""
        self._line(f"note: {text}")

    def show(self, now: float, decision: Decision, state: State) -> None:
        """Tell what a cycle came to, if that is news."""
        news = (decision.reason, decision.data, state.knobs, decision.change and decision.change.policy)
        if news == self._said and now - self._said_seconds < _QUIET_SECONDS:
            return
        self._said, self._said_seconds = news, now
        clock = datetime.fromtimestamp(now, UTC).strftime("%H:%M:%S")
        parts = [clock, str(decision.reason), knobs_text(state.knobs)]
        parts += [_evidence_text(each) for each in decision.evidence if each.judged.count]
        if decision.bad_share is not None:
            parts.append(f"bad requests {100 * decision.bad_share:.1f} %")
        if decision.change and not decision.is_applied:
            parts.append(f"would set {knobs_text(decision.change.after)}")
        self._line("  ".join(parts) + (f"  ({decision.message})" if decision.message else ""))

    def _line(self, text: str) -> None:
        if self._out is None:
            return
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):
            self._out = None


def knobs_text(knobs: Knobs) -> str:
    """Return the limits that are off their start values."""
    moved = [f"{_NAMES[limit]} {value}" for limit, value in knobs.moved.items()]
    return ", ".join(moved) or "start values"


def _evidence_text(evidence: Evidence) -> str:
    bad = f"{100 * evidence.bad_share:.1f} %"
    return f"{evidence.objective.name} {evidence.verdict.value.lower()} ({bad} beyond)"
