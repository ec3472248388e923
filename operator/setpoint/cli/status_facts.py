"""What is known of one service at one moment: what a page about it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.api.status import ConditionStatus, ConditionType


@dataclass(frozen=True)
class Condition:
    """One condition of the service."""

    status: str
    reason: str
    message: str
    since_seconds: float | None
    """Unix time since which it has this status."""
    is_current: bool
    """Whether it speaks of the newest spec."""


@dataclass(frozen=True)
class Pod:
    """One engine."""

    name: str
    state: str
    """Routable, or why not."""
    is_routable: bool
    node: str
    restarts: int
    last_end: str
    """How the last container that ended did, reason and exit code; empty where none has."""
    last_end_seconds: float | None


@dataclass(frozen=True)
class Objective:
    """What is promised, and what was seen of it."""

    name: str
    threshold: str
    percentile: int | None
    verdict: str
    """Kept, Broken or Unclear; empty where nothing was judged."""
    bad_share: str
    samples: int


@dataclass(frozen=True)
class Limit:
    """One limit of the engines; None is the start value, and where that is not known None as well."""

    name: str
    wanted: int | None
    in_force: int | None
    start: int | None


@dataclass(frozen=True)
class Change:
    """One change of the limits, made or recommended."""

    at_seconds: float
    policy: str
    cause: str
    moves: tuple[str, ...]
    """Such as `maxNumSeqs start -> 128`."""
    is_applied: bool
    effect: str


@dataclass(frozen=True)
class Facts:
    """All of it."""

    namespace: str
    name: str
    model: str
    mode: str
    has_promise: bool
    now_seconds: float
    is_observed: bool
    """Whether the operator has seen the newest spec."""
    replicas: int
    conditions: Mapping[str, Condition]
    pods: tuple[Pod, ...]
    """Those that do not serve first."""
    objectives: tuple[Objective, ...]
    good_share: str
    estimated: tuple[str, str, str]
    """Requests a second that an engine is predicted to sustain, the same as it was started, and what comes as
    a share of that; empty where nothing is predicted.
    """
    window: str
    limits: tuple[Limit, ...]
    """Those that are off their start values, or of which that value is known."""
    lease_ends_seconds: float | None
    """Unix time; None where nothing is lent, or nothing is known of it."""
    changes: tuple[Change, ...]
    """Of the last hour, newest first."""
    recommendation: str
    unread: Mapping[str, str]

    @property
    def is_well(self) -> bool:
        """Whether neither Ready nor SLOMet is False."""
        asked = (self.conditions.get(kind) for kind in (ConditionType.READY, ConditionType.SLO_MET))
        return all(each is None or each.status != ConditionStatus.FALSE for each in asked)
