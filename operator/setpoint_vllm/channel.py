"""In each API server: what the limits files want is put into force in every rank, and shown.

Files are read twice a second, which is how a change arrives. The ranks are asked when something changed, and
again every few seconds, so that what is shown is known to be so, also of a rank that came later.
"""

import asyncio
import logging
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setpoint_vllm import metrics, state
from setpoint_vllm.complaints import Complaints
from setpoint_vllm.limits_file import Limit, LimitsFile
from setpoint_vllm.limits_files import LimitsFiles
from setpoint_vllm.step_times import SIZES, TOTALS

LOOK_SECONDS = 0.5
CONFIRM_SECONDS = 5.0
CALL_SECONDS = 5.0
"""A rank that has not answered by then is asked again: it may be in its first, long steps."""
_OF_THE_QUEUE = (Limit.QUEUED_REQS, Limit.QUEUED_TOKENS)


class Channel:
    """Follows the limits files for one API server's engine client."""

    def __init__(self, engine_client: Any, files: tuple[Path, ...]) -> None:
        self._engine_client = engine_client
        self._complaints = Complaints(logging.getLogger("vllm.setpoint"))
        self._files = LimitsFiles(files, self._complaints)
        self._asked: tuple[LimitsFile, dict[Limit, int]] | None = None
        self._confirmed = -CONFIRM_SECONDS
        self.wanted: dict[Limit, int] = {}
        """Of the limits that hold now, those that are not the start value."""
        self.ranks: dict[str, dict[str, Any]] = {}
        """What each rank last said is in force."""

    @classmethod
    def from_environment(cls, engine_client: Any, environment: Mapping[str, str] = os.environ) -> "Channel":
        """With the files of SETPOINT_LIMITS_FILE and SETPOINT_LIMITS_ANNOTATION_FILE."""
        names = ("SETPOINT_LIMITS_FILE", "SETPOINT_LIMITS_ANNOTATION_FILE")
        return cls(engine_client, tuple(Path(environment[name]) for name in names if environment.get(name)))

    @property
    def has_asked(self) -> bool:
        """Whether the ranks have answered, be it that their limits cannot be moved."""
        return self._asked is not None

    async def look(self) -> None:
        """Read the files, and see that every rank keeps to them. Never raises but when cancelled."""
        try:
            state.believed = self._files.newest(state.believed)
            self.wanted = state.believed.wanted(time.time())
            if (
                self._asked != (state.believed, self.wanted)
                or time.monotonic() >= self._confirmed + CONFIRM_SECONDS
            ):
                await self._ask(state.believed, self.wanted)
        except Exception:
            self._complaints.say("look", "the limits were not looked at", exc_info=True)

    async def _ask(self, file: LimitsFile, wanted: dict[Limit, int]) -> None:
        values = {limit.value: value for limit, value in wanted.items()}
        try:
            answers = await asyncio.wait_for(self._call_ranks(values, file.generation), CALL_SECONDS)
        except asyncio.TimeoutError:
            self._complaints.say("call", "the engine did not take its limits in time; it is asked again")
            return
        except Exception as error:
            # Whatever an unknown engine client raises, or an engine core without our method.
            answers = {"0": {"unsupported": f"{type(error).__name__}: {error}"}}
        self._complaints.is_well("call")
        self._asked, self._confirmed = (file, wanted), time.monotonic()
        unsupported = next((each["unsupported"] for each in answers.values() if "unsupported" in each), None)
        metrics.SUPPORTED.set(unsupported is None)
        if unsupported:
            self._complaints.say("support", f"the limits of this engine cannot be moved: {unsupported}")
            return
        self.ranks = answers
        self._show(file)

    async def _call_ranks(self, values: dict[str, int], generation: int) -> dict[str, dict[str, Any]]:
        """Call every rank as vLLM calls its own methods; its answer by the rank's number."""
        client = self._engine_client.engine_core
        engines = list(client.core_engines)
        answers = await asyncio.gather(
            *(
                client._call_utility_async("setpoint_limits", values, generation, engine=each)  # noqa: SLF001
                for each in engines
            )
        )
        return {
            str(int.from_bytes(each, "little")): answer for each, answer in zip(engines, answers, strict=True)
        }

    def _show(self, file: LimitsFile) -> None:
        for rank, answer in self.ranks.items():
            if answer["generation"] != file.generation:
                # Another API server has read a newer file: it shows that one, under the name of its writer.
                continue
            in_force = {**answer["limits"], **{limit: self.wanted.get(limit, 0) for limit in _OF_THE_QUEUE}}
            for limit in Limit:
                # 0 is no limit, where it is one at all.
                metrics.LIMIT.labels(rank, str(limit)).set(in_force[limit] or math.inf)
                metrics.START.labels(rank, str(limit)).set(answer["start"].get(limit) or math.inf)
            for size, row in zip(SIZES, answer["steps"], strict=True):
                for total, value in zip(TOTALS, row, strict=True):
                    metrics.STEPS.labels(rank, size, total).set(value)
            metrics.GENERATION.labels(rank, file.writer).set(answer["generation"])
            metrics.CONFIRMED.labels(rank).set(time.time())
