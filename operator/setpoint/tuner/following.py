"""Whether the engines keep to what is wanted of them, and to nobody else's limits."""

import math
from collections.abc import Mapping

from setpoint.signals.reading import RankLimits, Reading
from setpoint.signals.window import DataState
from setpoint.tuner.state import Decision, Observation, Reason, Settings, State, Told
from setpoint_vllm.limits_file import Limit

IN_FORCE_WITHIN_SECONDS = 120.0
"""An engine that does not show them by then does not follow: what the kubelet misses of a change is in the
pod's files after its next periodic sync, 60 to 90 s later (1.37: pkg/kubelet/pod_workers.go)."""
UNCONFIRMED_SECONDS = 60.0
"""The plugin asks every rank each five seconds; one in its first, long steps may leave a few out."""


def told_now(observation: Observation, state: State) -> Told:
    """The file that stands; one that came after ours was in force, and nothing else was wanted, renews it."""
    generation = observation.told_generation
    if generation == state.told.generation:
        return state.told
    was_in_force = state.settled_seconds is not None and generation is not None
    return Told(generation, observation.now_seconds, state.told.generation if was_in_force else None)


def hindrance(
    observation: Observation, state: State, settings: Settings, wanted: Mapping[Limit, int]
) -> Decision | None:
    """Why the engines do not keep to what is wanted, or None when they do."""
    told = observation.told_generation
    is_news = observation.now_seconds - state.told.since_seconds < IN_FORCE_WITHIN_SECONDS
    needed = state.told.renews if is_news and state.told.renews is not None else told
    for name, reading in observation.readings.items():
        if reading.supported is False:
            message = f"{name}: its limits cannot be moved; its log says why"
            return Decision(Reason.UNSUPPORTED, message, DataState.OK)
        for rank, each in reading.ranks.items():
            if _is_foreign(each, told, state, settings):
                whom = each.writer or "somebody who does not say who"
                message = f"{name}: rank {rank} keeps to limits written by {whom}"
                return Decision(Reason.FROZEN, message, DataState.OK)
        why = _why_not_followed(reading, needed, wanted)
        if why and (is_news or observation.now_seconds - state.changed_seconds < IN_FORCE_WITHIN_SECONDS):
            return Decision(Reason.HOLDING, f"{name} is being told its limits", DataState.OK)
        if why:
            return Decision(Reason.UNSUPPORTED, f"{name} does not follow: {why}", DataState.OK)
    return None


def _is_foreign(rank: RankLimits, told: int | None, state: State, settings: Settings) -> bool:
    """Whether what the rank keeps to was written by somebody else; who gives no name shows by the number."""
    if not rank.writer:
        return told is not None and rank.generation > told
    return rank.writer != settings.writer and rank.generation >= (told or state.generation)


def _why_not_followed(reading: Reading, needed: int | None, wanted: Mapping[Limit, int]) -> str:
    if not reading.ranks:
        return "it shows no limits, as an engine that runs without setpoint_vllm or without a limits file"
    if needed is None:
        return "nothing tells it its limits"
    for rank, each in reading.ranks.items():
        if each.generation < needed:
            return f"generation {needed} is not in force in rank {rank}"
        age = reading.at_seconds - (
            reading.at_seconds if each.confirmed_seconds is None else each.confirmed_seconds
        )
        if abs(age) > UNCONFIRMED_SECONDS:
            return f"rank {rank} has told its limits {age:.0f} s ago, if its clock is right"
        for limit in wanted:
            # What is lower than the start but not as low as wanted is the plugin's own floor.
            if each.in_force.get(limit, math.inf) >= each.start.get(limit, math.inf):
                return f"rank {rank} keeps {limit} at the start value"
    return ""
