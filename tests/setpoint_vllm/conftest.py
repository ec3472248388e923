"""What the plugin imports of vLLM, in its smallest form: vLLM itself is no dependency of these tests.

The same behaviour is held inside real engines by the end-to-end tests.
"""

import sys
from types import ModuleType

import pytest

_loggers = ModuleType("vllm.v1.metrics.loggers")
_loggers.AggregateStatLoggerBase = type("AggregateStatLoggerBase", (), {})  # type: ignore[attr-defined]
for _name in ("vllm", "vllm.v1", "vllm.v1.metrics"):
    sys.modules.setdefault(_name, ModuleType(_name))
sys.modules.setdefault(_loggers.__name__, _loggers)


@pytest.fixture(autouse=True)
def _nothing_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    from setpoint_vllm import state
    from setpoint_vllm.limits_file import LimitsFile

    monkeypatch.setattr(state, "believed", LimitsFile())
