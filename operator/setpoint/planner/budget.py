"""What one token budget gives: its longest step, the rate that it sustains, and the first token at a rate.

In closed form. An engine whose steps are full brings so many decoding requests and prompt tokens into each as
the mix has answers and prompts; the rate at which it does is its capacity. Below it, as many requests decode
as arrive while one is answered (Little's law), and their number varies as that of a queue without a limit
does (Poisson). They leave the prompts the rest of the budget. A first token waits for the step that runs, for
the one that is scheduled behind it already, for the prompts before its own, and for its own. Their queue is
that of M/G/1: its mean by Pollaczek and Khinchine, its tail taken to be exponential, as that of M/M/1 is.
"""

from collections.abc import Callable
from math import exp, inf, log, sqrt
from statistics import NormalDist

from setpoint.planner.mix import Mix
from setpoint.planner.serving import Gaps, Serving

AIM = 0.9
"""Share of a threshold that is aimed at: the rest is for what the model leaves out."""
MOST_UTILISATION = 0.95
"""Of the capacity: nearer to it, an error of a few percent is a queue without end."""
_STEPS_BEFORE = 1.5
"""A request waits for half a step on average, and for the next, which is scheduled while that one runs."""
_HALVINGS = 30


class Budget:
    """A token budget of a step, for a serving and a mix. Calling its methods is pure."""

    def __init__(self, serving: Serving, mix: Mix, tokens: int, most_sequences: int) -> None:
        self.tokens = tokens
        self._mix = mix
        self._gaps = Gaps(serving, mix)
        self._parameters = serving.parameters
        self._prompt_per_decoding = mix.prompt_tokens / mix.decoded_tokens
        of_budget = tokens / (1 + self._prompt_per_decoding)
        self.is_limited = of_budget > most_sequences
        """Whether the sequences end before the budget does."""
        self.running = min(of_budget, most_sequences)
        """Requests that decode in each step at capacity."""
        self.capacity_per_second = self._rate(self.running)

    @property
    def longest_step_seconds(self) -> float:
        """The longest gap at capacity: a step that is filled with prompts up to the budget."""
        return self._gaps.single(self.running, self.tokens - self.running)

    @property
    def full_step_seconds(self) -> float:
        """The same where one such step follows another."""
        return self._full_step(self.running)

    @property
    def full_step_compute_seconds(self) -> float:
        """What the GPU needs for that step, however it is launched."""
        return self._gaps.compute_seconds(self.running, self.tokens - self.running)

    @property
    def full_step_api_server_seconds(self) -> float:
        """What the API server needs for it."""
        return self._gaps.api_server_seconds(self.running, self.tokens - self.running)

    def first_token_seconds(self, load: float, percentile: float) -> float:
        """Return that percentile of TTFT where a share `load`, 0 to 1, of the requests at capacity decode.

        Infinite where no first token would come in the end.
        """
        running = load * self.running
        many = running + NormalDist().inv_cdf(max(percentile, 50.0) / 100) * sqrt(running)
        most = self.running if self.is_limited else max(self.running, self.tokens / 2)
        if many > most:  # the rest would wait for a place, or leave prompts next to nothing
            return inf
        parameters, mix = self._parameters, self._mix
        read = parameters.request_seconds + parameters.prompt_token_seconds * mix.prompt_tokens
        prompt = self._full_step(many) * mix.prompt_tokens / (self.tokens - many)
        fixed = parameters.network_seconds + read + _STEPS_BEFORE * self._step(running) + prompt
        return fixed + self._queue_seconds(prompt, self._rate(running), percentile)

    def sustainable_rate_per_second(self, threshold_seconds: float | None, percentile: float) -> float:
        """Return the highest rate at which the percentile of TTFT is within AIM of the threshold; 0 if none.

        Never more than MOST_UTILISATION of the capacity, which is the rate where no first token is promised.
        """

        def holds(load: float) -> bool:
            if self._utilisation(load) > MOST_UTILISATION:
                return False
            within = inf if threshold_seconds is None else AIM * threshold_seconds
            return self.first_token_seconds(load, percentile) <= within

        if not holds(0.0):
            return 0.0
        return self._utilisation(_highest(holds, 1.0)) * self.capacity_per_second

    def running_at(self, rate_per_second: float) -> float:
        """Return how many requests decode on average at a rate up to the capacity."""
        return _highest(lambda running: self._rate(running) <= rate_per_second, self.running)

    def _utilisation(self, load: float) -> float:
        return self._rate(load * self.running) / self.capacity_per_second

    def _rate(self, running: float) -> float:
        """Little's law: as many requests decode as arrive while one is answered."""
        return running / (self._mix.decoded_tokens * self._step(running))

    def _step(self, running: float) -> float:
        """The mean step: where there are fewer prompts than steps, some are without one."""
        prompt_tokens = running * self._prompt_per_decoding
        by_chance = 1 - exp(-prompt_tokens / self._mix.prompt_tokens)
        share = max(by_chance, prompt_tokens / (self.tokens - running))
        if share <= 0:
            return self._gaps(running, 0)
        with_prompt = self._gaps(running, prompt_tokens / share)
        return share * with_prompt + (1 - share) * self._gaps(running, 0)

    def _full_step(self, running: float) -> float:
        return self._gaps(running, self.tokens - running)

    def _queue_seconds(self, prompt_seconds: float, rate_per_second: float, percentile: float) -> float:
        utilisation = prompt_seconds * rate_per_second
        late = 1 - percentile / 100
        if utilisation >= 1:
            return inf
        if utilisation <= late:
            return 0.0
        mean = prompt_seconds * (1 + self._mix.squared_variation) / 2 / (1 - utilisation)
        return mean * log(utilisation / late)


def _highest(holds: Callable[[float], bool], most: float) -> float:
    """Return up to where something holds, from 0, where it does, to `most`, where it is taken not to."""
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
