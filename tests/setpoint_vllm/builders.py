"""Builders with defaults, and an engine that keeps the awkward behaviour of vLLM's scheduler."""

import json
from types import SimpleNamespace
from typing import Any

from setpoint_vllm.engine_core import setpoint_limits


def limits_text(**changes: Any) -> str:
    """A limits file's text."""
    content = {"generation": 1, "writer": "me", "limits": {"seqs": 4}, "objectives": []}
    return json.dumps(content | changes)


class Scheduler:
    """As vLLM's: `draining` from 0.31 on; before, a step asserts that no more run than the limit."""

    def __init__(
        self,
        *,
        draining: bool = True,
        seqs: int = 16,
        tokens: int = 1024,
        long_prefill: int = 0,
        draft_tokens: int = 0,
    ) -> None:
        self.scheduler_config = SimpleNamespace(long_prefill_token_threshold=long_prefill)
        self.max_num_running_reqs = seqs
        self.max_num_scheduled_tokens = tokens
        self.num_spec_tokens = draft_tokens
        self.running: list[int] = []
        self.waiting = 0
        if draining:
            self.max_num_active_reqs = seqs

    def schedule(self) -> int:
        """Admit what may run; how many run."""
        most = getattr(self, "max_num_active_reqs", self.max_num_running_reqs)
        while self.waiting and len(self.running) < most:
            self.running.append(self.waiting)
            self.waiting -= 1
        assert len(self.running) <= self.max_num_running_reqs
        return len(self.running)


class EngineClient:
    """vLLM's AsyncLLM as far as the plugin looks at it, with an engine core for each rank."""

    def __init__(self, *schedulers: Any) -> None:
        self.cores = [SimpleNamespace(scheduler=scheduler) for scheduler in schedulers or (Scheduler(),)]
        self.core_engines = [rank.to_bytes(2, "little") for rank in range(len(self.cores))]
        self.engine_core = self
        self.output_processor = SimpleNamespace(request_states={})
        self.model_config = SimpleNamespace(max_model_len=4096)
        self.calls = 0

    async def _call_utility_async(self, method: str, *arguments: Any, engine: bytes) -> Any:
        assert method == "setpoint_limits"
        self.calls += 1
        return setpoint_limits(self.cores[int.from_bytes(engine, "little")], *arguments)
