"""A vLLM general plugin that takes Setpoint's work out of a running server and puts it back, as a file says.

For the benchmark alone. Taken out: the verdicts on each step, the middleware's part in each new request with
all its messages, the look at the limits files, and the wrapper around `scheduler.schedule`. What stays: one
call of an empty function for each step and each request, one of the middleware for each message of a request
that began before the switch, the entry in vLLM's list of loggers, and this module's thread, five wakes a
second in either state. With no file it changes nothing.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FILE = Path(os.environ.get("BENCHMARK_SWITCH_FILE", "setpoint-switch"))
_POLL_SECONDS = 0.2
_watched_by = 0
"""The process whose thread it is: a forked one has none."""


def register() -> None:
    """Follow the file from now on; vLLM calls this in each of its processes, and more than once in some."""
    global _watched_by
    if _watched_by == os.getpid():
        return
    _watched_by = os.getpid()
    switch = Switch()
    threading.Thread(target=_follow, args=(switch,), daemon=True, name="setpoint-switch").start()


class Switch:
    """The parts of Setpoint in this process, with what they are when they are in."""

    def __init__(self) -> None:
        from setpoint_vllm import channel, engine_core, middleware, verdicts

        self.limits: list[Any] = []
        """The `SchedulerLimits` that were made since."""
        self._out: dict[tuple[type, str], Callable[..., Any]] = {
            (verdicts.Verdicts, "record"): _nothing,
            (middleware.Setpoint, "__call__"): _pass_on,
            (channel.Channel, "look"): _look_at_nothing,
        }
        self._in = {(owner, name): getattr(owner, name) for owner, name in self._out}
        _note_instances(engine_core.SchedulerLimits, self.limits)

    def set(self, state: str) -> dict[str, Any]:
        """Take everything out ("off") or put it back ("on"), again and again; return what is out."""
        off = state == "off"
        for (owner, name), function in (self._out if off else self._in).items():
            setattr(owner, name, function)
        for each in self.limits:
            if off:
                each._scheduler.schedule = each._schedule  # noqa: SLF001
            else:
                each._write()  # noqa: SLF001
        out = [f"{owner.__name__}.{name}" for owner, name in self._out]
        out += ["scheduler.schedule" for each in self.limits if _is_wrapped(each)]
        return {"state": state, "out": out if off else []}


def _follow(switch: Switch) -> None:
    told, answer = "", _FILE.with_name(f"{_FILE.name}.{os.getpid()}")
    # That it is there, before anybody asks for a state.
    answer.write_text(json.dumps({"state": told}))
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            state = _FILE.read_text()
        except OSError:
            continue
        # Off again and again: a change of the limits that was under way may have put the wrapper back.
        if state == "off" or state != told:
            found = switch.set(state)
        if state != told:
            answer.write_text(json.dumps(found))
            told = state


def _note_instances(owner: Any, instances: list[Any]) -> None:
    initialize = owner.__init__

    def initialize_and_note(self: Any, *arguments: Any) -> None:
        initialize(self, *arguments)
        instances.append(self)

    owner.__init__ = initialize_and_note


def _is_wrapped(limits: Any) -> bool:
    """Return whether these limits need the wrapper: fewer sequences than at the start, before vLLM 0.31."""
    return not limits._drains and limits._in_force["seqs"] < limits._start["seqs"]  # noqa: SLF001


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Judge nothing."""


def _pass_on(self: Any, scope: Any, receive: Any, send: Any) -> Any:
    """Be vLLM's own application, without a frame of ours while it answers."""
    return self._app(scope, receive, send)


async def _look_at_nothing(_self: Any) -> None:
    """Leave the limits as they are."""
