"""How the stand-in engine behaves, from its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Behaviour:
    """Each value is read from FAKE_ENGINE_ and its name in capitals, as FAKE_ENGINE_LOAD_SECONDS."""

    load_seconds: float = 1.0
    """From the model's files to a ready server."""
    prefill_seconds: float = 0.02
    """From the start of a request, once it runs, to its first token."""
    inter_token_seconds: float = 0.01
    """Between two tokens of one request."""
    answer_tokens: float = 32
    """The length of an answer that the request does not end earlier, nor lengthen by ignore_eos."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Behaviour":
        """Read the variables that are set. Raises ValueError that names one which is no number from 0 up."""
        values = {}
        for field in fields(cls):
            name = f"FAKE_ENGINE_{field.name.upper()}"
            if name not in environment:
                continue
            try:
                value = float(environment[name])
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}={environment[name]!r}: set a number, 0 or more")
            values[field.name] = value
        return cls(**values)
