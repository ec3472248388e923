"""What goes into one cycle of the tuner, what it keeps, and what comes out. All of it can be written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from setpoint.signals.reading import Reading
from setpoint.signals.window import DataState
from setpoint.tuner.evidence import Evidence
from setpoint.tuner.guard import Memory, Policy
from setpoint.tuner.knobs import Bounds, Knobs
from setpoint.tuner.planned import Planned
from setpoint.tuner.promise import Objective

LEAST_SETTLE_SECONDS = 5.0


class Mode(StrEnum):
    """What the tuner may do."""

    DISABLED = "Disabled"
    """Nothing: every engine keeps its start values."""
    RECOMMEND = "Recommend"
    """Say what it would do."""
    AUTO = "Auto"
    """Do it."""


class OnStop(StrEnum):
    """What becomes of limits when the mode is no longer Auto."""

    RESTORE = "Restore"
    """They go back to the start values."""
    KEEP = "Keep"
    """They stay, without a lease."""


class Reason(StrEnum):
    """What the tuner is about."""

    DISABLED = "Disabled"
    RECOMMENDING = "Recommending"
    GUARDING = "Guarding"
    """A limit is off its start value."""
    HOLDING = "Holding"
    """All limits are at their start values, or a change has yet to show what it does."""
    FROZEN = "Frozen"
    """Something else moves the limits of an engine."""
    UNSUPPORTED = "Unsupported"
    """An engine's limits cannot be moved, or it does not follow."""
    NOT_ENOUGH_TRAFFIC = "NotEnoughTraffic"
    SIGNAL_LOST = "SignalLost"


@dataclass(frozen=True)
class Settings:
    """What a person wants of the tuner."""

    mode: Mode
    objectives: tuple[Objective, ...]
    bounds: Bounds = field(default_factory=Bounds)
    on_stop: OnStop = OnStop.RESTORE
    writer: str = ""
    """Whose limits they are: engines show it with the generation."""
    stale_seconds: float = 30.0
    """A reading that is older says nothing about now."""
    plans: bool = True
    """Whether limits also go to where they are predicted to be best; else only the guard moves them."""


@dataclass(frozen=True)
class Observation:
    """What one cycle sees."""

    now_seconds: float
    """Unix time."""
    readings: Mapping[str, Reading]
    """The newest reading of each engine that could be read."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Engines that should be there and could not be read, and why."""
    told_generation: int | None = None
    """Of the limits file that says what the state wants; None while none does. Engines show it as theirs."""
    may_plan: bool = True
    """Whether there is time in this cycle for a plan, which takes about a second."""


@dataclass(frozen=True)
class Told:
    """The limits file that stands, by its generation."""

    generation: int | None = None
    since_seconds: float = 0.0
    """When it was first seen to stand."""
    renews: int | None = None
    """The generation of a file before, which was in force and asked for the same, but for how long."""


@dataclass(frozen=True)
class State:
    """What a cycle leaves for the next."""

    knobs: Knobs = field(default_factory=Knobs)
    generation: int = 0
    """Number of the limits that are wanted; 0 before the first are."""
    changed_seconds: float = 0.0
    """When they were."""
    expires_seconds: float | None = None
    """End of their lease; None for start values, which need none."""
    objectives: tuple[Objective, ...] = ()
    settle_seconds: float = LEAST_SETTLE_SECONDS
    """How long what was under way at the change takes to end."""
    settled_seconds: float | None = None
    """When that has ended; None until what is wanted is in force."""
    shows_in_gaps: bool = False
    """Whether the change shows in the next gaps between tokens, long before what was under way has ended."""
    is_early: bool = False
    """Whether the window began before that: it may then call for a smaller token budget, and no more."""
    began: Mapping[str, Reading] = field(default_factory=dict)
    """The readings with which the window begins; none before that."""
    memory: Memory = field(default_factory=Memory)
    planned: Planned = field(default_factory=Planned)
    told: Told = field(default_factory=Told)
    lost_seconds: float | None = None
    """Since when an engine cannot be read; None while all can."""
    has_low_traffic: bool = False
    """Whether there was too little to tell anything by, and the window has no more yet."""


@dataclass(frozen=True)
class Change:
    """Knobs that move, or in Recommend would."""

    policy: Policy
    cause: str
    before: Knobs
    after: Knobs


@dataclass(frozen=True)
class Decision:
    """What one cycle comes to."""

    reason: Reason
    message: str
    data: DataState
    evidence: tuple[Evidence, ...] = ()
    """Of the window so far."""
    bad_share: float | None = None
    """Share of requests in the window so far that broke a promise, were shed, or failed."""
    window_seconds: float = 0.0
    is_complete: bool = False
    """Whether the window is long enough to compare with another one."""
    change: Change | None = None
    is_applied: bool = False
    """Whether the change is wanted of the engines now."""
