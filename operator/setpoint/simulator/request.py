"""One request as an engine sees it: how long it is, what it shares with others, and how far it has come."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from setpoint.simulator.blocks import CachedBlock, OwnBlocks


class Phase(Enum):
    """Where a request stands in the scheduler."""

    WAITING = auto()
    """New, or preempted."""
    PREFILLING = auto()
    """Running, with more than its newest token still to compute, or left out of a step for want of budget."""
    DECODING = auto()
    """Running, one token in every step."""
    DRAINING = auto()
    """Running for the last time: the step that computes its last token has been scheduled."""
    DONE = auto()


@dataclass(slots=True, eq=False)
class Request:
    """A prompt and how many tokens answer it. Everything after `block_keys` is the engine's to write."""

    prompt_tokens: int
    output_tokens: int
    """How many tokens are generated before it ends, at least 1."""
    block_keys: Sequence[Hashable] = ()
    """One key for each full block of the prompt (and, for a conversation that goes on, of the answer) that
    another request may share. A key stands for the tokens of its block and all before it, as vLLM's chained
    block hashes do. Later blocks are nobody else's."""

    sent_seconds: float = 0.0
    """When its client sent it, in virtual time."""
    ttft_seconds: float | None = None
    """From then to its first token, as its client sees it."""
    submitted_seconds: float = 0.0
    admitted_seconds: float | None = None
    """When it was first part of a scheduled step: the end of vLLM's queue time."""
    first_token_seconds: float | None = None
    finished_seconds: float | None = None
    cached_prompt_tokens: int = 0
    """Prompt tokens that the prefix cache held when it was first admitted."""
    preemptions: int = 0

    phase: Phase = Phase.WAITING
    admission: int = 0
    """Number of its last admission: the order of vLLM's list of running requests."""
    target_tokens: int = field(init=False)
    """Prefill ends when so many tokens are computed: the prompt, and what came before a preemption."""
    computed_tokens: int = 0
    """Tokens in the KV cache while it prefills; later they follow from `origin`."""
    produced_tokens: int = 0
    """Tokens generated, or being generated, before it last began to decode or stopped doing so."""
    origin: int = 0
    """While decoding, the end of step i brings token number i - origin."""
    block_step: int = 0
    """While decoding, it needs a block in the steps with this number modulo block size."""
    last_token_seconds: float = 0.0
    """When its last token came, known only once it was preempted or left out of a step."""
    shared_blocks: list[CachedBlock] = field(default_factory=list)
    own_blocks: OwnBlocks | None = None

    def __post_init__(self) -> None:
        self.target_tokens = self.prompt_tokens
