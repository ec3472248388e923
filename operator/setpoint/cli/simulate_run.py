"""`setpoint simulate run`: what a load on an engine would bring, in virtual time."""

import argparse
import json
from dataclasses import asdict
from random import Random

from setpoint.api.scalars import duration_seconds
from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.cli.simulate_files import read_model, read_parameters_for
from setpoint.cli.typed import number, typed
from setpoint.simulator.experiment import ClosedLoop, OpenLoop, Requests, Service, run
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits, TooLongError
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import built_in
from setpoint.simulator.record import Figures, Outcome, Quantiles
from setpoint.simulator.router import ROUTERS
from setpoint.simulator.start import GPU_MEMORY_UTILIZATION, start_config
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths

_PURPOSE = "simulate a load on an engine, and print what its clients would see"
_NOT_COUNTED = 0.25
"""Share of the duration, at its beginning, that the figures leave out."""
_TRIED = 1000
"""Requests that are drawn beforehand, to find lengths of which none fits."""
_MOST_CLIENTS, _HIGHEST_RATE, _MOST_REPLICAS, _LONGEST_SECONDS = 100_000, 10_000.0, 1000, 7 * 86_400.0


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("run", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=simulate_run)
    add = command.add_argument
    add("--gpu", required=True, metavar="NAME", help="such as H100")
    add("--model-config", required=True, metavar="FILE", help="the model's config.json")
    load = command.add_mutually_exclusive_group(required=True)
    load.add_argument("--clients", metavar="N", type=number(int, 1, _MOST_CLIENTS), help="closed loop")
    load.add_argument(
        "--rate", metavar="R", type=number(float, 0.001, _HIGHEST_RATE), help="open loop: requests a second"
    )
    add("--arrivals", metavar="PATTERN", type=typed(parse_arrivals), default="poisson",
        help="poisson, constant, burst:SIZE, ramp:FACTOR or step:FACTOR:SHARE (poisson)")  # fmt: skip
    add("--prompt-tokens", metavar="LENGTHS", type=typed(parse_lengths), default="uniform:256:768",
        help="fixed:N, uniform:A:B, lognormal:MEDIAN:SIGMA or file:PATH (uniform:256:768)")  # fmt: skip
    add("--output-tokens", metavar="LENGTHS", type=typed(parse_lengths), default="uniform:64:192",
        help="likewise (uniform:64:192)")  # fmt: skip
    add("--shared-prefix", metavar="SHARE", type=number(float, 0, 1), default=0.0,
        help="of each prompt that all have in common, 0 to 1 (0)")  # fmt: skip
    count = number(int, 1, 10**7)
    add("--max-num-seqs", metavar="N", type=count, help="as vLLM's (by the GPU: H100 1024, A100 256)")
    add("--max-num-batched-tokens", metavar="N", type=count,
        help="as vLLM's (by the GPU: H100 8192, A100 2048)")  # fmt: skip
    add("--max-num-active-seqs", metavar="N", type=count, help="as vLLM's (--max-num-seqs)")
    add("--long-prefill-token-threshold", metavar="N", type=number(int, 0, 10**7), default=0,
        help="as vLLM's (0: none)")  # fmt: skip
    add("--max-num-queued-reqs", metavar="N", type=number(int, 0, 10**7), help="as vLLM's (none)")
    add("--max-num-queued-tokens", metavar="N", type=number(int, 0, 10**9), help="as vLLM's (none)")
    add("--max-model-len", metavar="N", type=count, help="as vLLM's (the model's own)")
    add("--gpu-memory-utilization", metavar="SHARE", type=number(float, 0.01, 1),
        default=GPU_MEMORY_UTILIZATION,
        help=f"as vLLM's ({GPU_MEMORY_UTILIZATION})")  # fmt: skip
    add("--no-enable-prefix-caching", dest="prefix_caching", action="store_false", help="as vLLM's")
    add("--replicas", metavar="N", type=number(int, 1, _MOST_REPLICAS), default=1, help="(1)")
    add("--router", choices=ROUTERS, default="round-robin", help="how a replica is chosen (round-robin)")
    add("--duration", metavar="TIME", type=typed(_duration), default="120s",
        help="virtual time; the first quarter is not counted (120s)")  # fmt: skip
    add("--seed", metavar="N", type=int, default=1, help="of arrivals and lengths (1)")
    add("--params", metavar="FILE", help="what `simulate fit` wrote (built-in ones for the GPU)")
    add("--json", action="store_true", help="print JSON, and nothing else")


def simulate_run(options: argparse.Namespace) -> int:
    """Run the experiment and print its figures; return the exit status.

    Raises DocumentError when a file cannot be read, or GPU, model, limits and lengths do not fit together.
    """
    shape = read_model(options.model_config)
    requests = Requests(Shape(options.prompt_tokens, options.output_tokens), options.shared_prefix)
    load = ClosedLoop(options.clients) if options.clients else OpenLoop(options.rate, options.arrivals)
    try:
        service = _service(options, shape)
        _try_lengths(requests, service.config)
        play = run(service, load, requests, options.duration, options.seed)
    except ValueError as error:
        raise DocumentError(f"setpoint simulate run: {error}") from None
    figures = play.record.figures(_NOT_COUNTED * options.duration, options.duration)
    outcome = play.outcome(options.duration)
    if options.json:
        write(json.dumps({**asdict(figures), "requests": asdict(outcome)}) + "\n")
    else:
        write(_table(figures) + _told(outcome))
    return 0


def _service(options: argparse.Namespace, shape: ModelShape) -> Service:
    card = gpu(options.gpu)
    parameters = read_parameters_for(options.gpu, options.params) if options.params else built_in(options.gpu)
    config = start_config(
        shape,
        card,
        max_model_len=options.max_model_len,
        max_num_seqs=options.max_num_seqs,
        max_num_batched_tokens=options.max_num_batched_tokens,
        gpu_memory_utilization=options.gpu_memory_utilization,
        enable_prefix_caching=options.prefix_caching,
    )
    seqs, tokens = config.max_num_seqs, config.max_num_batched_tokens
    active = options.max_num_active_seqs or seqs
    if active > seqs:
        raise ValueError(
            f"max_num_active_seqs ({active}) cannot be greater than max_num_seqs ({seqs}): "
            "lower it, or raise the other"
        )
    limits = Limits(
        active,
        tokens,
        options.long_prefill_token_threshold,
        options.max_num_queued_reqs,
        options.max_num_queued_tokens,
    )
    step_seconds = StepTime(parameters, card, shape, seqs)
    return Service(config, limits, step_seconds, parameters, ROUTERS[options.router](), options.replicas)


def _try_lengths(requests: Requests, config: EngineConfig) -> None:
    """Raise ValueError when the engine would refuse every request, before anything is simulated."""
    random = Random(0)
    for _ in range(_TRIED):
        try:
            config.check_fits(requests.request(*requests.shape.sample(random), config.block_size))
        except TooLongError as error:
            refused = error
        else:
            return
    raise ValueError(f"no request would fit: {refused}")


def _table(figures: Figures) -> str:
    lines = [
        f"{figures.tok_s:.1f} output tokens/s, {figures.req_s:.2f} requests/s",
        f"{'seconds':8}{'p50':>10}{'p95':>10}{'p99':>10}",
    ]
    rows: dict[str, Quantiles | None] = {"ttft": figures.ttft, "itl": figures.itl, "e2e": figures.e2e}
    for name, seen in rows.items():
        shown = (f"{each:10.4f}" for each in (seen.p50, seen.p95, seen.p99)) if seen else ("  none seen",)
        lines.append(f"{name:8}" + "".join(shown))
    return "\n".join(lines) + "\n"


def _told(outcome: Outcome) -> str:
    shed = "".join(f", {number} shed ({reason})" for reason, number in outcome.shed.items())
    too_long = f", {outcome.too_long} refused as too long" if outcome.too_long else ""
    return (
        f"whole run: {outcome.offered} requests offered, {outcome.answered} answered{shed or ', none shed'}"
        f"{too_long}, {outcome.under_way} under way at the end\n"
    )


def _duration(text: str) -> float:
    seconds = duration_seconds(text)
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise ValueError(f"{text!r} must be above 0 and at most a week, such as 120s")
    return seconds
