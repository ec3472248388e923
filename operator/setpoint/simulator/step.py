"""One forward pass of the model: what is computed in it, and what its end brings."""

from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.simulator.request import Request


@dataclass(slots=True)
class Step:
    """A scheduled step. Tokens and sequences are exact counts: a step time follows from them.

    Most steps bring nothing but tokens, so its sequences are empty until something goes into them.
    """

    index: int
    decoding: int = 0
    """Requests that compute one token, as in the step before."""
    decoding_context_tokens: int = 0
    """Tokens that these attend to, in all."""
    prefill_tokens: int = 0
    prefill_sequences: int = 0
    prefill_context_tokens: int = 0
    """Tokens of the prefilling requests that are in the KV cache at its end, in all."""
    attention_pairs: int = 0
    """Pairs of a prefill token and a token that it attends to."""
    completing: Sequence[Request] = ()
    """Requests whose prefill ends here, with one token each: the first, or after a preemption the next."""
    preempted: Sequence[Request] = ()

    seconds: float = 0.0
    """How long it takes, from the end of the one before."""
    ended_seconds: float = 0.0
    gap_seconds: float = 0.0
    """Since the step before ended: the inter-token latency of the `decoding` requests."""
    first_tokens: Sequence[Request] = ()
    late_gaps_seconds: Sequence[float] = ()
    """Inter-token latencies of requests that had been preempted or left out of a step."""
    finished: Sequence[Request] = ()
    """Requests whose last token comes here."""
    left: Sequence[Request] = ()
    """Requests that go without a token in the next step, whose last one therefore comes here."""

    @property
    def tokens(self) -> int:
        """How many tokens are computed."""
        return self.decoding + self.prefill_tokens

    @property
    def generated(self) -> int:
        """How many tokens come out."""
        return self.decoding + len(self.completing)
