"""The command lines that give each load generator the same load: RATE requests a second, evenly spaced."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.loadgen.server import MODEL

RATE = 100
OUTPUT_TOKENS = 100
"""At 20 tokens a second each request streams for 5 s: 500 at a time."""
PROMPT_TOKENS = 256


@dataclass(frozen=True)
class Run:
    """Where a tool finds what it needs."""

    environment: Path
    """The virtual environment it is installed in."""
    tokenizer: Path
    """A folder with a tokenizer.json that transformers loads; AIPerf wants it in the hub's cache layout."""
    url: str
    seconds: int
    out: Path


def setpoint(run: Run) -> list[str]:
    """Ours."""
    command = f"""{sys.executable} -m setpoint loadtest --url {run.url} --model {MODEL} --api completions
        --rate {RATE} --arrivals constant --duration {run.seconds}s --prompt-tokens {PROMPT_TOKENS}
        --output-tokens {OUTPUT_TOKENS} --out {run.out}"""
    return command.split()


def vllm(run: Run) -> list[str]:
    """`vllm bench serve`; of its gamma distribution the limit is a constant."""
    command = f"""{run.environment}/bin/vllm bench serve --base-url {run.url} --endpoint /v1/completions
        --backend openai --model {MODEL} --tokenizer {run.tokenizer} --dataset-name random
        --random-input-len {PROMPT_TOKENS} --random-output-len {OUTPUT_TOKENS}
        --num-prompts {RATE * run.seconds}
        --request-rate {RATE} --burstiness inf --ignore-eos --disable-tqdm"""
    return command.split()


def aiperf(run: Run) -> list[str]:
    """NVIDIA's AIPerf."""
    command = f"""{run.environment}/bin/aiperf profile --url {run.url} --endpoint-type completions --streaming
        -m {MODEL} --tokenizer local/tokenizer --isl {PROMPT_TOKENS} --osl {OUTPUT_TOKENS}
        --request-rate {RATE} --arrival-pattern constant --benchmark-duration {run.seconds}
        --num-prompts {RATE * run.seconds} --extra-inputs ignore_eos:true --use-server-token-count
        --ui none --artifact-dir {run.out}"""
    return command.split()


def guidellm(run: Run) -> list[str]:
    """GuideLLM, of the vLLM project."""
    command = f"""{run.environment}/bin/guidellm run --disable-console-interactive
        --backend kind=openai_http,target={run.url},request_format=/v1/completions,model={MODEL}
        --profile kind=constant,rate={RATE} --constraint kind=max_duration,seconds={run.seconds}
        --tokenizer kind=hf_auto,model={run.tokenizer}
        --data kind=synthetic_text,prompt_tokens={PROMPT_TOKENS},output_tokens={OUTPUT_TOKENS}
        --output kind=json,path={run.out}/guidellm.json"""
    return command.split()


TOOLS: dict[str, Callable[[Run], list[str]]] = {
    "setpoint": setpoint,
    "vllm": vllm,
    "aiperf": aiperf,
    "guidellm": guidellm,
}
