"""What an engine is started with, and the limits that move while it runs."""

from dataclasses import dataclass, fields, replace

from setpoint.simulator.request import Request


class TooLongError(ValueError):
    """A request that no engine of a config can serve: vLLM's API server answers it with 400."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What needs a restart to change; names and defaults are those of vLLM's flags.

    Raises ValueError, naming field, value and remedy, for what vLLM would refuse at start.
    """

    kv_blocks: int
    """Blocks of the KV cache that requests can hold."""
    max_model_len: int
    """Tokens of prompt and answer together, at most."""
    max_num_seqs: int = 256
    max_num_batched_tokens: int = 2048
    block_size: int = 16
    """Tokens a KV block holds."""
    enable_prefix_caching: bool = True
    async_scheduling: bool = True
    """Schedule a step while the one before it runs, as vLLM does on a GPU: a new request waits for one step
    more, and a finished one keeps its place for one."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1 and field.type is int:
                raise ValueError(f"{field.name} ({value}) must be at least 1")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError(
                f"max_num_batched_tokens ({self.max_num_batched_tokens}) must be greater than or equal to "
                f"max_num_seqs ({self.max_num_seqs}): raise the one or lower the other"
            )
        if self.kv_blocks * self.block_size < self.max_model_len:
            raise ValueError(
                f"max_model_len ({self.max_model_len}) is more than the KV cache holds "
                f"({self.kv_blocks * self.block_size} tokens): lower it, or give the cache more memory"
            )

    def check_fits(self, request: Request) -> None:
        """Raise TooLongError when an engine of this config refuses a request, ValueError when it is empty."""
        prompt, output = request.prompt_tokens, request.output_tokens
        if prompt < 1 or output < 1:
            raise ValueError(
                f"a prompt of {prompt} and an answer of {output} tokens: each must have at least 1"
            )
        if prompt + output > self.max_model_len:
            raise TooLongError(
                f"a prompt of {prompt} and an answer of {output} tokens are more than max_model_len "
                f"({self.max_model_len}): shorten them, or raise it"
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """What a running engine can be told to keep to, between two steps."""

    max_num_active_seqs: int
    """Requests that run at once. Lowering it preempts nobody: those that run go on, none is added."""
    max_num_scheduled_tokens: int
    """Tokens of one step."""
    long_prefill_token_threshold: int = 0
    """Prompt tokens of one request in one step, unless it is the only one; 0 for no limit."""
    max_num_queued_reqs: int | None = None
    """Requests that wait or run; the next is shed."""
    max_num_queued_tokens: int | None = None
    """Prompt tokens of the requests without a first token; once reached, the next request is shed."""

    @classmethod
    def of(cls, config: EngineConfig) -> "Limits":
        """Return those that an engine starts with."""
        return cls(config.max_num_seqs, config.max_num_batched_tokens)

    def clamped(self, config: EngineConfig, running: int) -> "Limits":
        """Return the nearest that an engine of this config, with so many requests running, can keep to.

        Below one token for each running request the last of them would get no step at all.
        """
        active = min(max(self.max_num_active_seqs, 1), config.max_num_seqs)
        tokens = min(max(self.max_num_scheduled_tokens, active, running), config.max_num_batched_tokens)
        return replace(self, max_num_active_seqs=active, max_num_scheduled_tokens=tokens)
