"""The requests of the measured loads, drawn again: the load programs drew them from seeded generators.

Each function makes the same calls of `random` in the same order as the program that measured; of a prompt
only the length matters here, but its tokens were drawn too.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from statistics import fmean, median

from setpoint.simulator.measured import Arrivals

_FIRST_TOKEN, _TOKENS = 3, 32_000
"""Token ids that prompts were drawn from: `randrange(3, 32000)`."""
_REJECTED = (_TOKENS - _FIRST_TOKEN) << 17
"""randrange takes 15 bits, the uppermost of a 32-bit word, until they are below the number of choices."""
_PLAN_NAMES = ("W1", "W2")
"""What the plans behind the H100 tables called their workloads."""
_UNIT_TOKENS = 1_000_000


class ClientLengths:
    """Prompt and output lengths of one closed-loop client, in the order in which it sends them."""

    def __init__(self, client: int, mean_prompt_tokens: int, mean_output_tokens: int) -> None:
        self._drawing = _client_lengths(Random(client), mean_prompt_tokens, mean_output_tokens)
        self._drawn: list[tuple[int, int]] = []

    def __getitem__(self, number: int) -> tuple[int, int]:
        while len(self._drawn) <= number:
            self._drawn.append(next(self._drawing))
        return self._drawn[number]


@lru_cache(maxsize=4096)
def client_lengths(client: int, mean_prompt_tokens: int, mean_output_tokens: int) -> ClientLengths:
    """Return the lengths of a client, drawn once per process: a fit replays the same sweep many times."""
    return ClientLengths(client, mean_prompt_tokens, mean_output_tokens)


def _client_lengths(random: Random, mean_prompt: int, mean_output: int) -> Iterator[tuple[int, int]]:
    while True:
        prompt = max(1, int(random.uniform(0.5, 1.5) * mean_prompt))
        _skip_tokens(random, prompt)
        yield prompt, max(1, int(random.uniform(0.5, 1.5) * mean_output))


def _skip_tokens(random: Random, tokens: int) -> None:
    """Draw the tokens of a prompt, many at a time: the same words of the generator, ten times as fast."""
    while tokens:
        words = array("I", random.getrandbits(32 * tokens).to_bytes(4 * tokens, "little"))
        tokens = sum(map(_REJECTED.__le__, words))


@dataclass(frozen=True, slots=True)
class DrawnLoad:
    """Where the requests of an open-loop workload came from."""

    name: str
    """The first part of the seeds."""
    mean_prompt_tokens: float
    mean_output_tokens: float

    def requests(
        self, rate_per_second: float, seconds: float, seed: int, span: int
    ) -> list[tuple[float, int, int]]:
        """Return offset in seconds, prompt and output tokens of one span (0 settling, 1 window, 2 after it).

        Poisson arrivals given their number, rate times duration: uniform order statistics, from exponential
        gaps.
        """
        random = Random(f"{self.name}/{seed}/{span}")
        number = round(rate_per_second * seconds)
        gaps = [random.expovariate(1) for _ in range(number + 1)]
        total = sum(gaps)
        requests, reached = [], 0.0
        for gap in gaps[:number]:
            reached += gap
            prompt = max(1, int(random.uniform(0.5, 1.5) * self.mean_prompt_tokens))
            output = max(1, int(random.uniform(0.5, 1.5) * self.mean_output_tokens))
            random.randrange(1 << 30)  # the seed of the prompt's tokens
            requests.append((seconds * reached / total, prompt, output))
        return requests


@lru_cache(maxsize=64)
def drawn_loads(loads: tuple[Arrivals, ...]) -> dict[str, DrawnLoad]:
    """Return, by workload, the load that gives the mean lengths that the rows tell."""
    workloads = {load.workload for load in loads}
    return {each: _drawn_load([load for load in loads if load.workload == each]) for each in workloads}


def _drawn_load(loads: list[Arrivals]) -> DrawnLoad:
    """Tables may name a workload otherwise than its plan did: the seeds whose draws fit all rows are right.

    Where none do, lengths are as they were, but not request by request.
    """
    _, load = min(
        (_misfit(name, loads) for name in (loads[0].workload, *_PLAN_NAMES)), key=lambda found: found[0]
    )
    return load


def _misfit(name: str, loads: list[Arrivals]) -> tuple[float, DrawnLoad]:
    """Return how far apart the mean prompts are that the rows ask for if `name` is right, and the load."""
    unit = DrawnLoad(name, _UNIT_TOKENS, _UNIT_TOKENS)
    prompts, outputs = [], []
    for load in loads:
        drawn = unit.requests(load.rate_per_second, load.window_seconds, load.seed, 1)
        prompts.append(load.mean_prompt_tokens * _UNIT_TOKENS / fmean(prompt for _, prompt, _ in drawn))
        outputs.append(load.mean_output_tokens * _UNIT_TOKENS / fmean(output for _, _, output in drawn))
    means = (round(median(tokens)) for tokens in (prompts, outputs))
    return max(prompts) / min(prompts), DrawnLoad(name, *means)
