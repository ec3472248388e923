"""The plugin is imported here as its own tests import it: without vLLM."""

from tests.setpoint_vllm import conftest

__all__ = ["conftest"]
