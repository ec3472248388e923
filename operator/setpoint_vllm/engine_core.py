"""In each engine core: the scheduler's limits are read and set between two steps (vllm.general_plugins).

`EngineCore.setpoint_limits` is called by the API servers as vLLM calls its own methods there: through the
core's input queue, which is emptied between steps, so that no step sees half a change.

What moves, and since when, was read in vLLM 0.26 to 0.33 and run on 0.26, 0.30, 0.31 and 0.32:
- `scheduler.max_num_active_reqs`, from 0.31: how many requests may run. A lower value drains.
- `scheduler.max_num_running_reqs`, before 0.31: the same, but a step asserts that no more are running, and
  places that become free are filled at once. So it is written anew before every step, never below the number
  that is running. From 0.31 on nothing may write it.
- `scheduler.max_num_scheduled_tokens`: tokens of a step. Below one for each running sequence and each of its
  draft tokens, the tail of the running list would get no step at all.
- `scheduler.scheduler_config.long_prefill_token_threshold`: read at every step, 0 is no limit.
"""

import logging
from typing import Any

from setpoint_vllm.step_times import StepTimes

Values = dict[str, int]
"""Values of limits by their names in the limits file."""

_log = logging.getLogger("vllm.setpoint")


def register() -> None:
    """Give the engine core its method; vLLM calls this once in each of its processes."""
    try:
        from vllm.v1.engine.core import EngineCore

        EngineCore.setpoint_limits = setpoint_limits
    except Exception:
        _log.exception("the engine's limits cannot be moved: this vLLM has no engine core as we know it")


def setpoint_limits(core: Any, wanted: Values, generation: int) -> dict[str, Any]:
    """Put `wanted` into force unless something newer is, and tell what is in force.

    The answer has `generation`, `limits` and `start` (limits at the engine's start, 0 for none), and `steps`
    (the rows of `StepTimes`); or `unsupported` with the reason.
    """
    try:
        limits = getattr(core, "setpoint_scheduler_limits", None)
        if limits is None:
            limits = core.setpoint_scheduler_limits = SchedulerLimits(core.scheduler)
        return limits.set(wanted, generation)
    except Exception as error:
        _log.exception("the engine's limits stay as they are")
        return {"unsupported": f"{type(error).__name__}: {error}"}


class SchedulerLimits:
    """The limits of one scheduler, within those it was started with.

    Raises AttributeError or TypeError when the scheduler is not built as we know it.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._config = scheduler.scheduler_config
        self._drains = hasattr(scheduler, "max_num_active_reqs")
        self._tokens_each = 1 + int(scheduler.num_spec_tokens)
        self._start = {
            "seqs": _count(scheduler.max_num_active_reqs if self._drains else scheduler.max_num_running_reqs),
            "tokens": _count(scheduler.max_num_scheduled_tokens),
            "longPrefill": int(self._config.long_prefill_token_threshold),
        }
        self._running()
        self._generation = 0
        self._in_force = dict(self._start)
        self._schedule = scheduler.schedule
        self._step_times = StepTimes(scheduler)

    def set(self, wanted: Values, generation: int) -> dict[str, Any]:
        """Put `wanted` into force; an older generation than the one in force changes nothing."""
        if generation >= self._generation:
            self._generation = generation
            self._in_force = clamp(wanted, self._start, self._running(), self._tokens_each)
            self._write()
        return {
            "generation": self._generation,
            "limits": self._in_force,
            "start": self._start,
            "steps": self._step_times.rows,
        }

    def _write(self) -> None:
        limits = self._in_force
        self._scheduler.max_num_scheduled_tokens = limits["tokens"]
        self._config.long_prefill_token_threshold = limits["longPrefill"]
        if self._drains:
            self._scheduler.max_num_active_reqs = limits["seqs"]
        elif limits["seqs"] < self._start["seqs"]:
            self._scheduler.schedule = self._schedule_within_limits
        else:
            self._scheduler.schedule = self._schedule
            self._scheduler.max_num_running_reqs = self._start["seqs"]

    def _schedule_within_limits(self, *arguments: Any, **options: Any) -> Any:
        self._scheduler.max_num_running_reqs = max(self._in_force["seqs"], self._running())
        return self._schedule(*arguments, **options)

    def _running(self) -> int:
        return len(self._scheduler.running)


def clamp(wanted: Values, start: Values, running: int, tokens_each: int) -> Values:
    """The limits in force where `wanted` is wanted: never looser than the start, never a stall.

    `running` sequences each need `tokens_each` tokens of a step (one, and their draft tokens).
    """
    sequences = max(1, min(wanted.get("seqs", start["seqs"]), start["seqs"]))
    floor = max(sequences, running) * tokens_each
    tokens = min(max(wanted.get("tokens", start["tokens"]), floor), start["tokens"])
    bounds = [value for value in (wanted.get("longPrefill", 0), start["longPrefill"]) if value > 0]
    return {"seqs": sequences, "tokens": tokens, "longPrefill": min(bounds, default=0)}


def _count(value: Any) -> int:
    """`value` where it is a limit. Raises TypeError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"{value!r} is not a limit")
    return value
