"""A vLLM general plugin that moves the scheduler's limits from a file, so that many cells fit into one start.

For the benchmark alone. Written for vLLM before 0.31, where `max_num_running_reqs` must never be below the
number of running requests: it is therefore set anew before every step.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

_LIMITS_FILE = Path(os.environ.get("BENCHMARK_LIMITS_FILE", "limits.json"))
_POLL_SECONDS = 0.2


def register() -> None:
    """Wrap `Scheduler.schedule`; vLLM calls this in each of its processes."""
    from vllm.v1.core.sched.scheduler import Scheduler

    limits: dict[str, int] = {}
    next_poll = 0.0
    schedule = Scheduler.schedule
    if getattr(schedule, "moves_limits", False):
        return

    def schedule_within_limits(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal next_poll
        if time.monotonic() >= next_poll:
            next_poll = time.monotonic() + _POLL_SECONDS
            limits.update(_read())
        config = self.scheduler_config
        if limits:
            sequences = min(limits["max_num_seqs"], config.max_num_seqs)
            self.max_num_running_reqs = max(sequences, len(self.running))
            tokens = min(limits["max_num_batched_tokens"], config.max_num_batched_tokens)
            self.max_num_scheduled_tokens = max(tokens, len(self.running))
        return schedule(self, *arguments, **options)

    schedule_within_limits.moves_limits = True  # type: ignore[attr-defined]
    Scheduler.schedule = schedule_within_limits


def _read() -> dict[str, int]:
    try:
        return {name: int(value) for name, value in json.loads(_LIMITS_FILE.read_text()).items()}
    except (OSError, ValueError):
        return {}
