"""Which rows are measured on the H100: a list of server starts, each with the cells that run inside it.

A cell is one run of `setpoint loadtest` under limits that are moved live. "own start" cells repeat a live
cell in a server that was started with those limits, to show where a live change differs from a start.
"""

from dataclasses import dataclass, field

CHAT = ("--prompt-tokens", "uniform:256:768", "--output-tokens", "uniform:64:192")
LONG_ANSWERS = ("--prompt-tokens", "uniform:512:1536", "--output-tokens", "uniform:512:1536")
SHARED_PROMPTS = ("--prompt-tokens", "uniform:1024:3072", "--output-tokens", "uniform:64:192")
SLO = ("--slo", "itl.p95=50ms,ttft.p95=1s")


@dataclass(frozen=True)
class Cell:
    """One run of the load test; `limits` of None are those of the start."""

    name: str
    load: tuple[str, ...]
    limits: dict[str, int] | None = None


@dataclass(frozen=True)
class Start:
    """One start of `vllm serve` and what is measured in it, in order of importance."""

    name: str
    flags: tuple[str, ...]
    cells: list[Cell] = field(default_factory=list)

    @property
    def limits(self) -> dict[str, int]:
        """The limits that the flags set; without them those of `vllm serve` on an H100."""
        given = dict(zip(self.flags[::2], self.flags[1::2], strict=True))
        return {
            "max_num_seqs": int(given.get("--max-num-seqs", 1024)),
            "max_num_batched_tokens": int(given.get("--max-num-batched-tokens", 8192)),
        }


def chat(rate: float, tokens: int | None, seconds: int = 60, sequences: int = 1024) -> Cell:
    """Return a cell of the open-loop chat load at a rate, under a live token budget."""
    limits = {"max_num_seqs": sequences, "max_num_batched_tokens": tokens} if tokens else None
    load = (
        "--rate",
        f"{rate:g}",
        "--duration",
        f"{seconds + 10}s",
        "--warmup",
        "10s",
        "--seed",
        "1",
        *CHAT,
        *SLO,
    )
    return Cell(f"chat-{tokens or 'own'}-{rate:g}", load, limits)


def prefix(share: float, rate: float, tokens: int = 8192) -> Cell:
    """Return a cell whose prompts have a share of their tokens in common."""
    limits = {"max_num_seqs": 1024, "max_num_batched_tokens": tokens}
    load = ("--rate", f"{rate:g}", "--duration", "50s", "--warmup", "10s", "--seed", "1",
            "--shared-prefix", f"{share:g}", *SHARED_PROMPTS, *SLO)  # fmt: skip
    return Cell(f"prefix-{tokens}-{share:g}-{rate:g}", load, limits)


def kv_bound(sequences: int) -> Cell:
    """Return a cell of 640 clients with long answers: more KV cache than there is, unless the cap binds."""
    load = ("--clients", "640", "--duration", "100s", "--warmup", "40s", "--seed", "1", *LONG_ANSWERS, *SLO)
    return Cell(f"kv-{sequences}", load, {"max_num_seqs": sequences, "max_num_batched_tokens": 8192})


STARTS = (
    Start(
        "default",
        (),
        [
            chat(44, 8192), chat(44, 512), chat(46, 512), chat(44, 2048), chat(46, 1024),
            chat(12, 8192, 25), chat(20, 8192, 25), chat(30, 8192, 25), chat(38, 8192, 40), chat(48, 8192),
            chat(20, 1024, 25), chat(30, 1024, 25), chat(40, 1024, 40),
            chat(20, 2048, 25), chat(30, 2048, 25), chat(38, 2048, 40), chat(48, 2048),
            chat(40, 768, 40), chat(46, 768), chat(40, 512, 40), chat(48, 512),
            chat(36, 256), chat(40, 256), chat(42, 384), chat(45, 384),
            prefix(0, 10), prefix(0.5, 10), prefix(0.9, 10), kv_bound(1024), kv_bound(320),
        ],
    ),
    Start(
        "own-512",
        ("--max-num-seqs", "256", "--max-num-batched-tokens", "512"),
        [chat(46, None), chat(44, None)],
    ),
    Start(
        "own-2048",
        ("--max-num-seqs", "256", "--max-num-batched-tokens", "2048"),
        [chat(48, None), chat(44, None)],
    ),
)  # fmt: skip
