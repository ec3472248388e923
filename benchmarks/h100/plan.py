"""Which rows are measured on the H100: a list of server starts, each with the cells that run inside it.

A cell is one run of `setpoint loadtest` under limits that are moved live. "own start" cells repeat a live
cell in a server that was started with those limits, to show where a live change differs from a start. The
last of them moves limits live once more: machines differ, so that a pair is best measured on one.
"""

from dataclasses import dataclass, field

CHAT = ("--prompt-tokens", "uniform:256:768", "--output-tokens", "uniform:64:192")
LONG_ANSWERS = ("--prompt-tokens", "uniform:512:1536", "--output-tokens", "uniform:512:1536")
SHARED_PROMPTS = ("--prompt-tokens", "uniform:1024:3072", "--output-tokens", "uniform:64:192")
SLO = ("--slo", "itl.p95=50ms,ttft.p95=1s")
DEFAULT_SEQUENCES, DEFAULT_TOKENS = 1024, 8192
"""Those of `vllm serve` on an H100."""
START_SECONDS = 120.0
"""What a start of the server took, on the whole; 60 to 165 s were seen."""
_AROUND_SECONDS = 8.0
"""What the load test takes beside its load: to begin, and to see its last requests answered."""


@dataclass(frozen=True)
class Cell:
    """One run of the load test; `limits` (keys as in the limits file) of None are those of the start."""

    name: str
    load: tuple[str, ...]
    limits: dict[str, int] | None = None

    @property
    def load_seconds(self) -> float:
        """The length of the load, its warm-up included."""
        return float(self.load[self.load.index("--duration") + 1].removesuffix("s"))

    @property
    def seconds(self) -> float:
        """The length of the whole run, about."""
        return self.load_seconds + _AROUND_SECONDS


@dataclass(frozen=True)
class Start:
    """One start of `vllm serve` and what is measured in it, in order of importance."""

    name: str
    flags: tuple[str, ...]
    cells: list[Cell] = field(default_factory=list)


def chat(rate: float, tokens: int | None, seconds: int = 60, sequences: int | None = None) -> Cell:
    """Return a cell of the open-loop chat load at a rate, under a live token budget; None is the start's.

    Without `sequences` the cap is as high as the budget lets it be: the plugin holds the budget at one token
    or more for each sequence that may run.
    """
    load = ("--rate", f"{rate:g}", "--duration", f"{seconds + 10}s", "--warmup", "10s", "--seed", "1",
            *CHAT, *SLO)  # fmt: skip
    if tokens is None:
        return Cell(f"chat-own-{rate:g}", load)
    limits = {"seqs": sequences or min(DEFAULT_SEQUENCES, tokens), "tokens": tokens}
    budget = f"{sequences}x{tokens}" if sequences else f"{tokens}"
    return Cell(f"chat-{budget}-{rate:g}", load, limits)


def prefix(share: float, rate: float, tokens: int = DEFAULT_TOKENS, seconds: int = 20) -> Cell:
    """Return a cell whose prompts have a share of their tokens in common."""
    load = ("--rate", f"{rate:g}", "--duration", f"{seconds + 10}s", "--warmup", "10s", "--seed", "1",
            "--shared-prefix", f"{share:g}", *SHARED_PROMPTS, *SLO)  # fmt: skip
    return Cell(f"prefix-{tokens}-{share:g}-{rate:g}", load, {"seqs": DEFAULT_SEQUENCES, "tokens": tokens})


def kv_bound(sequences: int) -> Cell:
    """Return a cell of 640 clients with long answers: more KV cache than there is, unless the cap binds.

    It promises nothing, so that nobody waits for its last requests.
    """
    load = ("--clients", "640", "--duration", "100s", "--warmup", "40s", "--seed", "1", *LONG_ANSWERS)
    return Cell(f"kv-{sequences}", load, {"seqs": sequences, "tokens": DEFAULT_TOKENS})


STARTS = (
    Start(
        "default",
        (),
        [
            chat(14, 8192, 40), chat(16, 8192, 40), chat(18, 8192, 40),
            chat(44, 512, 40, sequences=256), chat(44, 2048, 40, sequences=256),
            chat(42, 384, 25), chat(40, 768, 25), chat(48, 512, 25), chat(40, 1024, 40), chat(38, 2048, 40),
            chat(44, 8192), chat(44, 512), chat(46, 512), chat(44, 2048), chat(46, 1024),
            chat(12, 8192, 25), chat(20, 8192, 25), chat(30, 8192, 25), chat(38, 8192, 40), chat(48, 8192),
            chat(20, 1024, 25), chat(48, 2048), chat(40, 256), kv_bound(1024),
            prefix(0, 10), prefix(0.5, 10), prefix(0.9, 10), kv_bound(320),
        ],
    ),
    Start("own-512", ("--max-num-seqs", "256", "--max-num-batched-tokens", "512"), [chat(44, None, 40)]),
    Start("own-2048", ("--max-num-seqs", "256", "--max-num-batched-tokens", "2048"),
          [chat(44, None, 40), chat(44, 512, 40, sequences=256)]),
)  # fmt: skip


def missing(done: set[tuple[str, str]], chosen: tuple[str, ...] = ()) -> list[tuple[Start, Cell]]:
    """Return the cells without a row, in order; of the chosen starts or cells alone, if any are chosen.

    Raises ValueError for a chosen name that is neither a start's nor a cell's.
    """
    planned = [(start, cell) for start in STARTS for cell in start.cells]
    known = {name for start, cell in planned for name in (start.name, cell.name)}
    if unknown := [name for name in chosen if name not in known]:
        raise ValueError(f"no start or cell is called {unknown[0]}: there are {', '.join(sorted(known))}")
    return [
        (start, cell)
        for start, cell in planned
        if (start.name, cell.name) not in done and (not chosen or {start.name, cell.name} & set(chosen))
    ]


def timetable(cells: list[tuple[Start, Cell]], running: str = "") -> list[str]:
    """Return when each cell would begin and end, in seconds, with the starts; `running` is up already."""
    lines, now = list[str](), 0.0
    for start, cell in cells:
        if start.name != running:
            lines.append(f"{now:6.0f} s  start {start.name}")
            now, running = now + START_SECONDS, start.name
        lines.append(f"{now:6.0f} s  {cell.name}, {cell.seconds:.0f} s")
        now += cell.seconds
    return [*lines, f"{now:6.0f} s  done"]
