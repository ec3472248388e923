"""First limits of an engine: the budget and the cap of sequences to begin with, and what they are worth.

Of the budgets whose longest step keeps the promise between tokens with a tenth to spare, the one is chosen
that sustains the highest rate. Every step keeps the promise then, not 95 % of them: the share of gaps that
see a prompt depends on the traffic, which nobody has seen yet. So a tighter promise leaves fewer budgets to
choose from, and never gives a larger one. Where nothing is promised between tokens, the start's own budget
stays unless a smaller one sustains notably more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from setpoint.planner.budget import AIM, MOST_UTILISATION, Budget
from setpoint.planner.captured import SIZES
from setpoint.planner.mix import Mix
from setpoint.planner.sequences import most_decoding, most_held
from setpoint.planner.serving import Gaps, Serving
from setpoint.tuner.planning import BUDGETS as TUNED_BUDGETS
from setpoint.workload.objectives import Metric, Objective

BUDGETS = (128, 192, *TUNED_BUDGETS)
"""Those that are tried, and that of the start: the tuner's, so that it finds itself at one of its own, and
smaller ones for GPUs on which 256 tokens take too long."""
_NOTABLE = 1.02
"""A rate that is higher by less is as good as equal: it is predicted."""
_LOADED = 0.9
"""A rate below this share of what the utilisation allows is held down by the first token."""
_LAUNCHED = 1.1
"""A step that takes this much longer than the GPU computes waits for the host."""


class Binding(StrEnum):
    """What keeps the rate from being higher."""

    GAPS = "gaps"
    """A larger budget would serve more, in steps that take too long."""
    FIRST_TOKEN = "firstToken"  # noqa: S105
    """The queue before a first token."""
    KV_CACHE = "kvCache"
    """Requests that it has no room for."""
    SEQUENCES = "sequences"
    """Those that the engine was started with."""
    API_SERVER = "apiServer"
    """The process that hands out tokens."""
    LAUNCH = "launch"
    """The host, which launches a step layer by layer."""
    COMPUTE = "compute"
    """The GPU, which multiplies and reads."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A promise that no limits keep."""

    objective: Objective
    least_seconds: float
    """The lowest that is predicted: between tokens in a step with a prompt, at any limits; or to the first
    token of a mean prompt in an engine that has nothing else to do, at the limits chosen."""
    decoding_seconds: float | None = None
    """Between tokens, in a step without a prompt."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits, and what is predicted of them; nothing of it was measured."""

    tokens: int
    """Of one step: max_num_batched_tokens."""
    sequences: int
    """That run at once: max_num_seqs."""
    step_seconds: float
    """The longest gap between tokens: of a step that is filled with prompts."""
    kv_cache_tokens: int
    kv_cache_requests: float
    """Requests of the mix that it holds, on average over their answers."""
    rate_per_second: float
    """Requests a second that keep the promise, for one engine; 0 where no rate does."""
    capacity_per_second: float
    """Requests a second that the engine answers at most, whatever the first token takes."""
    running: float
    """Requests that decode on average at that rate."""
    binding: Binding
    shortfalls: tuple[Shortfall, ...] = ()
    has_reserve: bool = True
    """Whether the longest step leaves a tenth of the promise between tokens; if not, it still keeps it."""


def plan(serving: Serving, objectives: Iterable[Objective], mix: Mix) -> Plan:
    """Return the limits to begin with.

    Raises ValueError, naming the objective or the tokens, when an objective is neither of TTFT nor of ITL, or
    a request of the mix does not fit the engine.
    """
    promised = {each.metric: each for each in objectives}
    _check(serving, promised, mix)
    itl, first = promised.get(Metric.ITL), promised.get(Metric.TTFT)
    held = most_held(serving, mix)
    budgets = [Budget(serving, mix, tokens, held) for tokens in _sizes(serving)]
    choice = _choice(serving, mix, budgets, itl, first)
    rate = 0.0 if choice.shortfall else _rate(choice.budget, first)
    shortfalls = [choice.shortfall] if choice.shortfall else []
    if first and not _rate(choice.budget, first):
        alone = choice.budget.first_token_seconds(0.0, first.percentile)
        shortfalls.append(Shortfall(first, alone))
    # Where nobody knows the requests, no cap is made of them.
    most = serving.start.max_num_seqs if mix.is_assumed else held
    sequences = min(choice.most_sequences, most, choice.budget.tokens)
    best = max(_rate(each, first) for each in budgets)
    return Plan(
        tokens=choice.budget.tokens,
        sequences=sequences,
        step_seconds=choice.budget.longest_step_seconds,
        kv_cache_tokens=serving.kv_cache_tokens,
        kv_cache_requests=serving.kv_cache_tokens / mix.live_tokens,
        rate_per_second=rate,
        capacity_per_second=choice.budget.capacity_per_second,
        running=choice.budget.running_at(rate),
        binding=_binding(choice.budget, rate, best, is_held=held < serving.start.max_num_seqs),
        shortfalls=tuple(shortfalls),
        has_reserve=choice.has_reserve,
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    budget: Budget
    most_sequences: int
    shortfall: Shortfall | None = None
    has_reserve: bool = True


def _choice(
    serving: Serving, mix: Mix, budgets: Sequence[Budget], itl: Objective | None, first: Objective | None
) -> _Choice:
    def worth(budget: Budget) -> tuple[float, float]:
        """Of equal rates, and where there is none, the one with the earliest first token."""
        percentile = first.percentile if first else 95.0
        return _rate(budget, first), -budget.first_token_seconds(0.0, percentile)

    if not itl:  # then nothing asks for less than the start has, but a rate that is notably higher
        notable = max(_rate(each, first) for each in budgets) / _NOTABLE
        equal = (each for each in reversed(budgets) if _rate(each, first) >= notable)
        return _Choice(next(equal), serving.start.max_num_seqs)
    smallest = budgets[0].tokens
    alone, many = Budget(serving, mix, smallest, 1), budgets[0]
    least_seconds = min(alone.longest_step_seconds, many.longest_step_seconds)
    is_kept = least_seconds <= itl.threshold_seconds
    # Where one request alone breaks the promise, fewer sequences than the smallest budget has help nobody.
    within = max(AIM * itl.threshold_seconds, least_seconds if is_kept else many.longest_step_seconds)
    fitting = list(takewhile(lambda each: each.longest_step_seconds <= within, budgets))
    if fitting:
        budget, most = max(fitting, key=worth), most_decoding(serving, mix, within)
    else:
        fewer = (Budget(serving, mix, smallest, size) for size in reversed(SIZES))
        budget = next(each for each in fewer if each.longest_step_seconds <= within)
        most = max(int(budget.running), 1)
    shortfall = None if is_kept else Shortfall(itl, least_seconds, Gaps(serving, mix)(1, 0))
    return _Choice(budget, most, shortfall, has_reserve=least_seconds <= AIM * itl.threshold_seconds)


def _rate(budget: Budget, first: Objective | None) -> float:
    if first is None:
        return budget.sustainable_rate_per_second(None, 95.0)
    return budget.sustainable_rate_per_second(first.threshold_seconds, first.percentile)


def _binding(budget: Budget, rate: float, best: float, *, is_held: bool) -> Binding:
    if best > _NOTABLE * rate:
        return Binding.GAPS
    if rate < _LOADED * MOST_UTILISATION * budget.capacity_per_second:
        return Binding.FIRST_TOKEN
    if budget.is_limited:
        return Binding.KV_CACHE if is_held else Binding.SEQUENCES
    if budget.full_step_api_server_seconds >= budget.full_step_seconds:
        return Binding.API_SERVER
    launched = budget.full_step_seconds > _LAUNCHED * budget.full_step_compute_seconds
    return Binding.LAUNCH if launched else Binding.COMPUTE


def _sizes(serving: Serving) -> list[int]:
    most = serving.start.max_num_batched_tokens
    return [*(size for size in BUDGETS if size < most), most]


def _check(serving: Serving, promised: Iterable[Metric], mix: Mix) -> None:
    for metric in promised:
        if metric not in {Metric.ITL, Metric.TTFT}:
            raise ValueError(f"{metric} cannot be planned for: promise itl or ttft instead")
    most = serving.start.max_model_len
    if mix.prompt_tokens + mix.output_tokens > most:
        kind, remedy = ("assumed", "say what they are") if mix.is_assumed else ("mean", "shorten them")
        raise ValueError(
            f"a prompt of {mix.prompt_tokens:g} and an answer of {mix.output_tokens:g} tokens, the {kind} "
            f"lengths, are more than max_model_len ({most}): {remedy}, or raise it"
        )
