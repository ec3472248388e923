"""The load that both tools put on the endpoint."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Load:
    """Lengths are uniform from 0.5 to 1.5 times their mean; the window begins after the warm-up."""

    url: str
    model: str
    tokenizer: Path
    prompt_tokens: int
    output_tokens: int
    seconds: float
    warmup_seconds: float
    clients: int | None = None
    rate: float | None = None
    requests: int = 0
    """How many the other tool sends: enough for the seconds, and no more than it can before the window ends
    by far."""
    seed: int = 1
