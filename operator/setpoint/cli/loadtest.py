"""`setpoint loadtest`: a realistic load on an OpenAI-compatible endpoint, and numbers that can be trusted."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from setpoint.cli import loadtest_values as values
from setpoint.cli.documents import DocumentError
from setpoint.cli.interruption import Interruption
from setpoint.cli.loadtest_display import Display, table
from setpoint.cli.loadtest_files import ReportFolder, deliver
from setpoint.cli.loadtest_flags import DEFAULTS, with_defaults
from setpoint.cli.output import prove_open
from setpoint.cli.typed import typed
from setpoint.cli.version import version
from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.descriptors import most_connections
from setpoint.loadgen.fleet import sender_count
from setpoint.loadgen.hold import Progress
from setpoint.loadgen.measure import Load
from setpoint.loadgen.plan import ClosedPlan, OpenPlan, Plan, ReplayPlan
from setpoint.loadgen.preflight import API_KEY_VARIABLE, EndpointError
from setpoint.loadgen.prompts import COMMON_WORDS, Prompts, words_of_tokenizer
from setpoint.loadgen.report import ClosedLoop, OpenLoop, Replay, Report
from setpoint.loadgen.run import LoadTest, StagePlan, Watcher, run
from setpoint.loadgen.search import CapacityPlan
from setpoint.loadgen.trace import read_trace, trace_seconds
from setpoint.redaction import redact
from setpoint.workload.arrivals import Arrivals, Burst, parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.durations import duration_seconds
from setpoint.workload.lengths import Lengths, parse_lengths
from setpoint.workload.objectives import ItlRule, Slo, parse_slo

_PURPOSE = "put an OpenAI-compatible endpoint under load, and report latency, throughput and goodput"
_BROKEN_STATUS = 1
"""When a sender process died."""
_STAGE, _SEARCH_STAGE = "60s", "180s"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("loadtest", help=_PURPOSE, description=_PURPOSE)
    add = command.add_argument
    add("--url", required=True, type=typed(values.url), help="of the API, such as http://127.0.0.1:8000")
    add("--model", required=True, type=typed(values.utf8_text), help="its name at the endpoint")
    load = command.add_mutually_exclusive_group()
    load.add_argument(
        "--clients", metavar="N,...", type=typed(values.clients), help="closed loop: one stage each"
    )
    load.add_argument(
        "--rate", metavar="R,...", type=typed(values.rates), help="open loop: requests a second"
    )
    load.add_argument("--trace", metavar="FILE", type=typed(values.utf8_path),
        help="replay: lines of JSON with timestamp, prompt_tokens and output_tokens")  # fmt: skip
    load.add_argument("--find-capacity", action="store_true", help="search the highest rate that keeps --slo")
    add(
        "--speed",
        metavar="FACTOR",
        type=typed(values.speed),
        help=f"of a trace, 2 is twice as fast ({DEFAULTS['speed']:g})",
    )
    add("--duration", type=typed(values.duration), metavar="TIME", help="of each stage with its warm-up "
        f"({_STAGE}; a whole trace); the longest of a search ({_SEARCH_STAGE})")  # fmt: skip
    add(
        "--warmup",
        type=typed(duration_seconds),
        metavar="TIME",
        help="left out of each stage (found; of a trace nothing); not of a search",
    )
    add("--arrivals", metavar="PATTERN", help="of an open loop: poisson, constant, burst:SIZE, ramp:FACTOR "
        f"or step:FACTOR:SHARE ({DEFAULTS['arrivals']})")  # fmt: skip
    add("--prompt-tokens", metavar="LENGTHS", type=typed(values.utf8_text), help="fixed:N, uniform:A:B, "
        f"lognormal:MEDIAN:SIGMA or file:PATH ({DEFAULTS['prompt_tokens']})")  # fmt: skip
    add(
        "--output-tokens",
        metavar="LENGTHS",
        type=typed(values.utf8_text),
        help=f"likewise ({DEFAULTS['output_tokens']})",
    )
    add("--shared-prefix", metavar="SHARE", type=typed(values.share), default=0.0,
        help="of each prompt that all have in common, 0 to 1 (0)")  # fmt: skip
    add("--api", choices=("chat", "completions"), default="chat", help="which of the two (chat)")
    add("--tokenizer", metavar="PATH", type=Path, help="the model's tokenizer.json, or its folder")
    add("--slo", metavar="OBJECTIVES", help="such as itl.p95=60ms,ttft.p95=1s")
    add("--itl-rule", choices=[*ItlRule], type=ItlRule, help="how a request's gaps are held against the ITL "
        f"objective ({DEFAULTS['itl_rule']})")  # fmt: skip
    add("--timeout", type=typed(values.duration), metavar="TIME", default=300.0, help="of a request (300s)")
    add("--seed", type=int,
        help=f"of arrivals and lengths; prompts are new in each run ({DEFAULTS['seed']})")  # fmt: skip
    add("--label", metavar="KEY=VALUE", action="append", type=typed(values.label), default=[],
        help="kept in the report, such as max-num-seqs=256; may be given several times")  # fmt: skip
    add("--out", metavar="DIR", type=Path, help="folder for report.json and requests.jsonl")
    add("--json", action="store_true", help="print the report as JSON, and nothing else")


def loadtest(options: argparse.Namespace) -> int:
    """Run the load test and return the exit status.

    Raises DocumentError when a flag does not fit, a file cannot be read or written, or the endpoint cannot be
    put under load; OutputError when standard output takes nothing.
    """
    prove_open()
    test = _load_test(with_defaults(options))
    folder = ReportFolder.proven(options.out) if options.out else None
    display = Display(sys.stderr)
    with Interruption() as interruption:

        def progress(progress: Progress) -> None:
            interruption.begin()
            display.progress(progress)

        watcher = Watcher(display.note, progress, display.stage, interruption.happened)
        try:
            report, held = run(test, watcher)
            deliver(report, held, folder, _shown(report, options))
        except EndpointError as error:
            raise DocumentError(_without_key(str(error), test.endpoint.api_key)) from error
        except KeyboardInterrupt:
            return interruption.status
    if report.complete:
        return 0
    return interruption.status if interruption.happened() else _BROKEN_STATUS


def _shown(report: Report, options: argparse.Namespace) -> str:
    return report.model_dump_json(indent=2) + "\n" if options.json else table(report)


def _load_test(options: argparse.Namespace) -> LoadTest:
    """Return what the flags ask for. Raises DocumentError."""
    arrivals: Arrivals = _read("--arrivals", parse_arrivals, options.arrivals)
    prompt_tokens: Lengths = _read("--prompt-tokens", parse_lengths, options.prompt_tokens)
    output_tokens: Lengths = _read("--output-tokens", parse_lengths, options.output_tokens)
    shape = Shape(prompt_tokens, output_tokens)
    slo: Slo | None = _read("--slo", lambda text: parse_slo(text, options.itl_rule), options.slo)
    words, notes = _words(options.tokenizer)
    prompts = Prompts(secrets.token_hex(8), words or COMMON_WORDS, options.shared_prefix)
    stages, search = _stages(options, arrivals, shape), None
    if options.find_capacity:
        if not slo:
            raise DocumentError(
                "--find-capacity: needs the promise to keep: add --slo itl.p95=60ms,ttft.p95=1s"
            )
        longest = options.duration or duration_seconds(_SEARCH_STAGE)
        search = CapacityPlan(slo, shape, arrivals, options.arrivals, str(options.seed), longest)
    _find_descriptors(options.clients or (), arrivals)
    for stage in stages:
        if isinstance(stage.load, OpenLoop) and stage.load.rate_per_second * stage.duration_seconds < 1:
            raise DocumentError(
                f"--rate: {stage.load.rate_per_second:g} a second brings no request in "
                f"{stage.duration_seconds:g} s: raise it, or --duration"
            )
        if options.warmup and stage.duration_seconds - options.warmup < values.SHORTEST_STAGE_SECONDS:
            raise DocumentError(
                f"--warmup: {options.warmup:g} s leaves nothing of a stage of {stage.duration_seconds:g} s: "
                "lower it, or raise --duration"
            )
    return LoadTest(
        endpoint=Endpoint(options.url, options.model, options.api, api_key=os.environ.get(API_KEY_VARIABLE)),
        prompts=prompts,
        tokenizer=words is not None,
        stages=stages,
        search=search,
        prompt_tokens=f"trace:{options.trace}" if options.trace else options.prompt_tokens,
        output_tokens=f"trace:{options.trace}" if options.trace else options.output_tokens,
        seed=options.seed,
        warm_up_seconds=options.warmup,
        timeout_seconds=options.timeout,
        slo=slo,
        slo_text=options.slo,
        settings=dict(options.label),
        setpoint_version=version(),
        notes=notes,
    )


def _stages(options: argparse.Namespace, arrivals: Arrivals, shape: Shape) -> list[StagePlan]:
    duration = options.duration or duration_seconds(_STAGE)
    planned: list[tuple[Load, Plan]] = [
        (ClosedLoop(clients=clients), ClosedPlan(clients, shape, f"{options.seed}/{clients}"))
        for clients in options.clients or ()
    ]
    planned += [
        (
            OpenLoop(rate_per_second=rate, arrivals=options.arrivals),
            OpenPlan(arrivals, rate, duration, shape, f"{options.seed}/{rate:g}"),
        )
        for rate in options.rate or ()
    ]
    if options.trace:
        trace = _read("--trace", lambda path: read_trace(path, options.speed), options.trace)
        length = max(values.SHORTEST_STAGE_SECONDS, trace_seconds(trace))
        duration = options.duration or length
        load = Replay(rate_per_second=len(trace) / length, trace=str(options.trace), speed=options.speed)
        planned.append((load, ReplayPlan(tuple(trace))))
    return [StagePlan(load, plan, duration) for load, plan in planned]


def _find_descriptors(clients: Sequence[int], arrivals: Arrivals) -> None:
    """Raise DocumentError for more requests at once than this machine can have connections."""
    senders = sender_count()
    most = most_connections(senders)
    burst = arrivals.size if isinstance(arrivals, Burst) else 1
    for flag, at_once in (("--clients", max(clients, default=0)), ("--arrivals", burst)):
        if at_once > most:
            raise DocumentError(
                f"{flag}: {at_once} connections at once need a file descriptor each, and {senders} sender "
                f"processes may have {most:g}: raise the hard limit (ulimit -Hn), or send less at once"
            )


def _words(tokenizer: Path | None) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the words of the tokenizer, if it can be loaded, and what is to be said."""
    if tokenizer is None:
        return None, ()
    try:
        return words_of_tokenizer(tokenizer), ()
    except ValueError as error:
        return None, (f"--tokenizer: {error}; the usage that the endpoint counts is used instead",)


def _without_key(text: str, api_key: str | None) -> str:
    """Return what an endpoint is quoted with, in which it may repeat the key that it was sent."""
    return redact(text.replace(api_key, "[redacted]") if api_key else text)


def _read(flag: str, parse: Callable[[Any], Any], value: Any) -> Any:
    """Return the parsed value of a flag, None for none. Raises DocumentError that names the flag."""
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise DocumentError(f"{flag}: {error}") from None
