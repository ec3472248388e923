"""`setpoint plan`: first limits for a model on a GPU under a promise, before any traffic."""

import argparse
from functools import partial
from random import Random

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.cli.plan_display import Planned, as_json, as_text
from setpoint.cli.simulate_files import read_model, read_parameters_for
from setpoint.cli.typed import number, typed
from setpoint.planner.mix import ASSUMED, Mix, mix_of
from setpoint.planner.plan import plan
from setpoint.planner.remedies import remedies
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import Gpu, gpu, known_gpus
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import TYPICAL, Parameters, built_in
from setpoint.simulator.start import GPU_MEMORY_UTILIZATION, start_config
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from setpoint.workload.objectives import parse_slo

_PURPOSE = "choose first limits for a model on a GPU under a promise, before any traffic"
_SEED = 0
"""Of the draws from which the variation of lengths is told: the same plan each time."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("plan", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=plan_limits)
    add = command.add_argument
    add("--gpu", required=True, metavar="NAME", help=" or ".join(each.name for each in known_gpus()))
    add("--model-config", required=True, metavar="FILE", help="the model's config.json")
    add("--slo", required=True, metavar="OBJECTIVES", type=typed(parse_slo),
        help="such as itl.p95=60ms,ttft.p95=1s")  # fmt: skip
    add("--prompt-tokens", metavar="LENGTHS", type=typed(parse_lengths),
        help="N, uniform:A:B, lognormal:MEDIAN:SIGMA or file:PATH "
        f"(assumed: {ASSUMED.prompt_tokens:g})")  # fmt: skip
    add("--output-tokens", metavar="LENGTHS", type=typed(parse_lengths),
        help=f"likewise (assumed: {ASSUMED.output_tokens:g})")  # fmt: skip
    add("--rate", metavar="R", type=number(float, 0.001, 1e6), help="requests a second: gives the replicas")
    add("--price-per-gpu-hour", metavar="PRICE", type=number(float, 1e-6, 1e6),
        help="such as 2.50: gives the cost of tokens, in its currency")  # fmt: skip
    count = number(int, 1, 10**7)
    add("--max-num-seqs", metavar="N", type=count,
        help="that the engine is started with (vLLM's default for the GPU)")  # fmt: skip
    add("--max-num-batched-tokens", metavar="N", type=count, help="likewise")
    add("--max-model-len", metavar="N", type=count, help="as vLLM's (the model's own)")
    add("--gpu-memory-utilization", metavar="SHARE", type=number(float, 0.01, 1),
        default=GPU_MEMORY_UTILIZATION, help=f"as vLLM's ({GPU_MEMORY_UTILIZATION})")  # fmt: skip
    add("--params", metavar="FILE", help="what `simulate fit` wrote (built-in ones for the GPU)")
    add("--json", action="store_true", help="print JSON, and nothing else")


def plan_limits(options: argparse.Namespace) -> int:
    """Print the plan; return 0, or 1 when no limits keep the promise.

    Raises DocumentError when a file cannot be read, or GPU, model, limits and promise do not fit together.
    """
    shape = read_model(options.model_config)
    objectives = options.slo.objectives
    try:
        card = gpu(options.gpu)
        parameters, is_guess = _parameters(options)
        started = partial(_started, options, parameters)
        serving, mix = started(shape, card), _mix(options)
        chosen = plan(serving, objectives, mix)
        ways_out = remedies(started, shape, card, objectives, mix) if chosen.shortfalls else []
    except ValueError as error:
        raise DocumentError(f"setpoint plan: {error}") from None
    planned = Planned(
        chosen, serving, mix, objectives, is_guess, ways_out, options.rate, options.price_per_gpu_hour
    )
    write(as_json(planned) if options.json else as_text(planned))
    return 1 if chosen.shortfalls else 0


def _started(options: argparse.Namespace, parameters: Parameters, shape: ModelShape, card: Gpu) -> Serving:
    start = start_config(
        shape,
        card,
        max_model_len=options.max_model_len,
        max_num_seqs=options.max_num_seqs,
        max_num_batched_tokens=options.max_num_batched_tokens,
        gpu_memory_utilization=options.gpu_memory_utilization,
    )
    return Serving(shape, card, parameters, start)


def _parameters(options: argparse.Namespace) -> tuple[Parameters, bool]:
    """Return the parameters, and whether those of another GPU stand in for ones that nobody has measured."""
    if options.params:
        return read_parameters_for(options.gpu, options.params), False
    try:
        return built_in(options.gpu), False
    except ValueError:
        return TYPICAL, True


def _mix(options: argparse.Namespace) -> Mix:
    prompt, output = options.prompt_tokens, options.output_tokens
    if prompt is None and output is None:
        return ASSUMED
    for given, flag in ((prompt, "--prompt-tokens"), (output, "--output-tokens")):
        if given is None:
            raise ValueError(f"{flag} is missing: give the lengths of prompts and answers, or neither")
    return mix_of(Shape(prompt, output), Random(_SEED))
