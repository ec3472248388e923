"""A plan as people read it, and as programs do."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from setpoint.planner.budget import AIM
from setpoint.planner.captured import started_sequences
from setpoint.planner.demand import Cost, Demand, cost_per_million, demand
from setpoint.planner.mix import Mix
from setpoint.planner.plan import Binding, Plan, Shortfall
from setpoint.planner.remedies import Remedy
from setpoint.planner.serving import Serving
from setpoint.workload.objectives import Metric, Objective

_WIDTH = 22
_BINDS = {
    Binding.GAPS: "the gaps: a larger budget would serve more, in steps that take too long",
    Binding.FIRST_TOKEN: "the first token: above this rate the queue before it grows too long",
    Binding.KV_CACHE: "the KV cache: it has no room for more requests at once",
    Binding.SEQUENCES: "the sequences that the engine is started with: raise --max-num-seqs",
    Binding.API_SERVER: "the API server, one process that hands out tokens: start more of them",
    Binding.LAUNCH: "the host, which launches steps layer by layer: the GPU waits for it",
    Binding.COMPUTE: "the GPU: it multiplies and reads all the time",
}


@dataclass(frozen=True)
class Planned:
    """A plan, and what it was made from."""

    plan: Plan
    serving: Serving
    mix: Mix
    objectives: Sequence[Objective]
    is_guess: bool
    """Nobody has measured this GPU: the shares of its data sheet are those of an H100."""
    remedies: Sequence[Remedy]
    rate_per_second: float | None
    price_per_gpu_hour: float | None

    @property
    def demand(self) -> Demand | None:
        if self.rate_per_second is None:
            return None
        return demand(self.rate_per_second, self.plan.rate_per_second)

    @property
    def cost(self) -> Cost | None:
        """At the rate that is asked for, on whole replicas, or else at what one engine sustains."""
        price, asked = self.price_per_gpu_hour, self.demand
        if price is None or not self.plan.rate_per_second:
            return None
        if asked:
            return cost_per_million(price, asked.replicas, asked.rate_per_second, self.mix)
        return cost_per_million(price, 1, self.plan.rate_per_second, self.mix)


def flags(planned: Planned) -> list[str]:
    """Return the flags of `vllm serve` that start with the limits; none for those that the start has."""
    plan, start = planned.plan, planned.serving.start
    chosen = []
    if plan.tokens < start.max_num_batched_tokens:
        chosen.append(f"--max-num-batched-tokens={plan.tokens}")
    if plan.sequences < start.max_num_seqs:
        started = started_sequences(plan.tokens, plan.sequences, start.max_num_seqs)
        chosen.append(f"--max-num-seqs={started}")
        if plan.sequences < started:
            chosen.append(f"--max-num-active-seqs={plan.sequences}")
    return chosen


def patch(planned: Planned) -> dict[str, Any] | None:
    """Return the merge patch of an InferenceService that has the limits without a restart; None if it has."""
    plan, start = planned.plan, planned.serving.start
    bounds: dict[str, Any] = {}
    if plan.tokens < start.max_num_batched_tokens:
        bounds["maxNumBatchedTokens"] = {"max": plan.tokens}
    # A budget below the sequences of the start brings these down with it.
    if plan.sequences < min(start.max_num_seqs, plan.tokens):
        bounds["maxNumSeqs"] = {"max": plan.sequences}
    return {"spec": {"tuning": {"mode": "Auto", "bounds": bounds}}} if bounds else None


def as_json(planned: Planned) -> str:
    """Return the plan as JSON; every figure in it is predicted."""
    plan, cost, asked = planned.plan, planned.cost, planned.demand
    content = {
        "limits": {"max_num_batched_tokens": plan.tokens, "max_num_seqs": plan.sequences},
        "start": {
            "max_num_batched_tokens": planned.serving.start.max_num_batched_tokens,
            "max_num_seqs": planned.serving.start.max_num_seqs,
        },
        "flags": flags(planned),
        "patch": patch(planned),
        "predicted": {
            "step_seconds": plan.step_seconds,
            "sustainable_rate_per_second": plan.rate_per_second,
            "capacity_per_second": plan.capacity_per_second,
            "running": plan.running,
            "kv_cache_tokens": plan.kv_cache_tokens,
            "kv_cache_requests": plan.kv_cache_requests,
            "binds": plan.binding,
            "demand": asdict(asked) if asked else None,
            "cost_per_million": asdict(cost) if cost else None,
        },
        "kept": not plan.shortfalls,
        "has_reserve": plan.has_reserve,
        "shortfalls": [
            {
                "objective": str(each.objective),
                "least_seconds": each.least_seconds,
                "decoding_seconds": each.decoding_seconds,
            }
            for each in plan.shortfalls
        ],
        "remedies": [asdict(each) for each in planned.remedies],
        "assumptions": list(_assumptions(planned)),
    }
    return json.dumps(content) + "\n"


def as_text(planned: Planned) -> str:
    """Return the plan as people read it."""
    lines = [f"{name:{_WIDTH}}{text}" for name, text in _facts(planned)]
    for each in planned.plan.shortfalls:
        lines += ["", *_shortfall(each, planned)]
    if chosen := flags(planned):
        lines += ["", "At the next start of vLLM:", f"  {' '.join(chosen)}"]
    if merge := patch(planned):
        command = f"kubectl patch infsvc NAME --type=merge -p '{json.dumps(merge)}'"
        lines += ["", "Without a restart, for an InferenceService NAME, within which Auto then moves:"]
        lines.append(f"  {command}")
    lines += ["", *(f"Assumed: {each}" for each in _assumptions(planned))]
    return "\n".join(lines) + "\n"


def _facts(planned: Planned) -> Iterator[tuple[str, str]]:
    plan, start = planned.plan, planned.serving.start
    yield (
        "Nearest limits" if plan.shortfalls else "Limits to begin with",
        f"{plan.tokens} tokens a step, {plan.sequences} sequences"
        f" (the start: {start.max_num_batched_tokens}, {start.max_num_seqs})",
    )
    yield "Longest gap", _gap(planned)
    if plan.rate_per_second:
        yield (
            "Sustainable rate",
            f"{plan.rate_per_second:.3g} requests/s an engine, predicted, with {plan.running:.0f} decoding",
        )
        yield "What binds", _BINDS[plan.binding]
    yield (
        "KV cache",
        f"{plan.kv_cache_tokens:,} tokens, {plan.kv_cache_requests:,.0f} requests of this mix, predicted",
    )
    if asked := planned.demand:
        yield (
            "Replicas",
            f"{asked.replicas:,} for {asked.rate_per_second:,.10g} requests/s,"
            f" {asked.utilisation:.0%} of what they sustain, predicted",
        )
    if cost := planned.cost:
        yield (
            "Cost of a million",
            f"{cost.output_tokens:.3g} for output tokens, {cost.all_tokens:.3g} for tokens in and out,"
            " predicted",
        )


def _gap(planned: Planned) -> str:
    plan = planned.plan
    told = f"{_duration(plan.step_seconds)} predicted, of a step full of prompts"
    promised = [each for each in planned.objectives if each.metric is Metric.ITL]
    if promised:
        told += f"; {_duration(promised[0].threshold_seconds)} promised"
    if not (plan.has_reserve or plan.shortfalls):
        told += ": less than a tenth to spare, which was aimed at, and no smaller budget has more"
    return told


def _shortfall(shortfall: Shortfall, planned: Planned) -> Iterator[str]:
    least = _duration(shortfall.least_seconds)
    is_of_gaps = shortfall.objective.metric is Metric.ITL
    gaps = next((str(each) for each in planned.objectives if each.metric is Metric.ITL), None)
    limits = "at any limits" if is_of_gaps or not gaps else f"at any limits that are chosen for {gaps}"
    yield f"{shortfall.objective} cannot be kept {limits}, as far as can be predicted:"
    if is_of_gaps:
        yield f"  the least gap is {least} where a prompt is in the step, however small the budget"
        if shortfall.decoding_seconds is not None:
            decoding = _duration(shortfall.decoding_seconds)
            yield f"  and {decoding} where one request decodes alone; light traffic may lie between both"
        yield f"  these limits could promise {_duration(planned.plan.step_seconds / AIM)}"
    else:
        yield f"  the first token of a mean prompt takes {least} in an engine that has nothing else to do"
    for each in planned.remedies:
        yield f"  {each.change} would keep it, at best, up to {each.rate_per_second:.2g} requests/s"
    if not planned.remedies:
        smaller = "a smaller model" if is_of_gaps else "a smaller model or shorter prompts"
        yield f"  no GPU that is known, nor eight of one, nor 8 bits would keep it: take {smaller}"


def _assumptions(planned: Planned) -> Iterator[str]:
    mix, serving = planned.mix, planned.serving
    if mix.is_assumed:
        yield (
            f"prompts of {mix.prompt_tokens:g} tokens and answers of {mix.output_tokens:g}, which nobody has"
            " said: give --prompt-tokens and --output-tokens"
        )
    if planned.is_guess:
        yield (
            f"of its data sheet the {serving.gpu.name} reaches what an H100 does, which nobody has measured:"
            " give --params"
        )
    yield f"arrivals by chance (Poisson), no cached prefix, one GPU; {AIM:g} of each threshold is aimed at"


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
