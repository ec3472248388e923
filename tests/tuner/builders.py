"""Windows, situations, and a tuner that is fed reading by reading, all with defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from setpoint.signals.reading import Counters, Judged, RankLimits, Reading
from setpoint.signals.window import Window
from setpoint.tuner.evidence import evidence
from setpoint.tuner.guard import Memory, Situation
from setpoint.tuner.knobs import Bounds, Knobs, Start, limits
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Decision, Mode, Observation, Reason, Settings, State
from setpoint.tuner.tuner import decide
from setpoint_vllm.limits_file import Latency
from tests.signals.builders import a_rank, a_reading

TTFT = Objective("first-token", Latency.TTFT, 1.0)
ITL = Objective("between-tokens", Latency.ITL, 0.03)
START = Start(tokens=8192, seqs=1024)
GOOD, BAD = Judged(1000, 0), Judged(700, 300)
"""Kept and broken beyond doubt, also by 200 effective ones."""


def a_window(
    seconds: float = 60.0,
    *,
    ttft: Judged = GOOD,
    itl: Judged = GOOD,
    running: float = 20.0,
    waiting: float = 0.0,
    in_hand_before: float = 20.0,
    kv_cache_usage: float = 0.3,
    **counted: Any,
) -> Window:
    """A window of 500 requests; `counted` are values of its counters."""
    of = {"good": 500.0, "prompt_tokens": 500 * 512.0, "generation_tokens": 64000.0}
    counters = Counters(**{**of, "judged": {TTFT.name: ttft, ITL.name: itl}, **counted})
    return Window(
        seconds, counters, running, waiting, in_hand_before, min(in_hand_before, running), kv_cache_usage
    )


def a_situation(
    window: Window | None = None, *, objectives: tuple[Objective, ...] = (TTFT, ITL), **changes: Any
) -> Situation:
    """A complete window at the start values, on one engine."""
    window = window or a_window()
    of: dict[str, Any] = {
        "now_seconds": 10_000.0,
        "window": window,
        "is_complete": True,
        "evidence": tuple(evidence(each, window) for each in objectives),
        "knobs": Knobs(),
        "start": START,
        "bounds": Bounds(),
        "replicas": 1,
        "memory": Memory(),
    }
    return Situation(**{**of, **changes})


def settings(mode: Mode = Mode.AUTO, **changes: Any) -> Settings:
    """With a promise of both kinds."""
    return Settings(mode, **{"objectives": (TTFT, ITL), "writer": "me", **changes})


@dataclass
class Tuned:
    """Engines that keep to what is wanted, and the tuner that looks at them every ten seconds."""

    settings: Settings = field(default_factory=settings)
    engines: int = 1
    now: float = 1_000_000.0
    state: State = field(default_factory=State)
    counters: Counters = field(default_factory=Counters)
    told: int | None = None
    """The generation of the file that stands; None for that which the state wants."""
    decisions: list[Decision] = field(default_factory=list)
    observations: list[tuple[Observation, State]] = field(default_factory=list)

    def readings(self, **changes: Any) -> dict[str, Reading]:
        """What the engines tell now, each the same."""
        wanted = limits(self.state.knobs, START)
        rank = a_rank(self.state.generation, self.settings.writer, in_force=wanted)
        reading = replace(a_reading(self.now, {"0": rank}), counters=self.counters)
        return {f"engine-{number}": replace(reading, **changes) for number in range(self.engines)}

    def look(
        self,
        readings: Mapping[str, Reading] | None = None,
        missing: Mapping[str, str] | None = None,
        *,
        seconds: float = 10.0,
        **changes: Any,
    ) -> Decision:
        """Let time pass, and look."""
        self.now += seconds
        of = self.readings(**changes) if readings is None else readings
        told = self.told or self.state.generation or None
        observation = Observation(self.now, of, missing or {}, told)
        self.observations.append((observation, self.state))
        decision, self.state = decide(observation, self.state, self.settings)
        self.decisions.append(decision)
        return decision

    def serve(self, ttft: Judged = GOOD, itl: Judged = GOOD, *, requests: float = 100.0, **more: Any) -> None:
        """Let the engines count what they served since the last look."""
        before = self.counters
        judged = {
            TTFT.name: before.judged.get(TTFT.name, Judged()) + ttft,
            ITL.name: before.judged.get(ITL.name, Judged()) + itl,
        }
        of = {"good": requests, "generation_tokens": 128 * requests, "prompt_tokens": 512 * requests, **more}
        grown = {name: getattr(before, name) + value for name, value in of.items()}
        self.counters = replace(before, judged=judged, **grown)

    def begin(self) -> None:
        """Look until a window has begun."""
        while not self.state.began:
            assert self.look().reason in {Reason.HOLDING, Reason.GUARDING, Reason.RECOMMENDING}

    def lower(self) -> Decision:
        """Have the guard lower the token budget."""
        self.begin()
        self.serve(itl=BAD)
        return self.look()


def rank_of(tuned: Tuned, **changes: object) -> dict[str, RankLimits]:
    """What the first engine's only rank would tell, changed."""
    (rank,) = tuned.readings()["engine-0"].ranks.values()
    return {"0": replace(rank, **changes)}  # type: ignore[arg-type]
