"""How far one visit of a cell is from another.

Where a table has a cell more than once, a visit is one of its rows. Elsewhere each figure is multiplied by a
lognormal factor with median 1. Its standard deviations, in logarithms, come from one H100 with vLLM 0.25.1:

* tok/s 0.04. In benchmarks/data/h100-llama8b-in512-out128-c256.json, budgets of 8,192 and 16,384 tokens are
  the same to up to 128 sequences, which fill neither: the six pairs give 0.028. Two equal cells differed by
  9 % in the rate that they sustained; pooled with the pairs that is 0.036.
* ITL p95 0.05 up to 2,048 tokens a step (repeats differed by 5 %; the six pairs give 0.047), 0.15 above:
  there repeats differed by 18 to 43 % near the rate at which it crosses 50 ms, which is 0.12 to 0.25; the
  repeated rows of 8,192 tokens in benchmarks/data/h100-llama8b-openloop-chat.jsonl give 0.09.
* TTFT p95 0.1. A compromise: 0.018 in the six pairs, where a queue makes it, and 0.25 among those repeated
  open-loop rows that lasted as long, where arrivals make it.

The figures of one visit err independently here, which they do not quite on an engine.
"""

import math
from dataclasses import dataclass
from random import Random

from benchmarks.tuner.replay.table import Table
from benchmarks.tuner.replay.visit import Cell, Visit

_LARGE_TOKENS = 2048
"""Steps of more tokens have the noise of large ones."""
_MOST = 2.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations of the logarithm of each figure of cells that were measured once."""

    tok_s: float = 0.04
    ttft_p95: float = 0.1
    itl_p95: float = 0.05
    itl_p95_large: float = 0.15
    """Of budgets above 2,048 tokens."""

    def visit(self, table: Table, cell: Cell, number: int, seed: int) -> Visit:
        """Return the visit of a cell with this number among its visits.

        It is the same for every arm of a seed, so that arms differ by what they choose alone.
        """
        random = Random(f"{seed}/{cell.seqs}/{cell.toks}/{number}")
        rows = table.rows[cell]
        return random.choice(rows) if len(rows) > 1 else self._drawn(rows[0], random)

    def _drawn(self, row: Visit, random: Random) -> Visit:
        itl = self.itl_p95 if row.cell.toks <= _LARGE_TOKENS else self.itl_p95_large
        return Visit(
            row.cell,
            row.tok_s * math.exp(random.gauss(0, self.tok_s)),
            row.ttft_p95_seconds * math.exp(random.gauss(0, self.ttft_p95)),
            row.itl_p95_seconds * math.exp(random.gauss(0, itl)),
        )

    def __str__(self) -> str:
        return (
            f"tok_s={self.tok_s:g},ttft_p95={self.ttft_p95:g},itl_p95={self.itl_p95:g},"
            f"itl_p95_large={self.itl_p95_large:g}"
        )


NONE = Noise(0.0, 0.0, 0.0, 0.0)


def parse_noise(text: str) -> Noise:
    """Return the noise of such as `tok_s=0.04,itl_p95=0.1`, or `none`.

    What is not named is as by default; large steps have the `itl_p95` that is named. Raises ValueError that
    names what is wrong.
    """
    if text == "none":
        return NONE
    named = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in Noise.__dataclass_fields__:
            known = ", ".join(Noise.__dataclass_fields__)
            raise ValueError(f"{part!r} names no figure: write none, or NAME=DEVIATION with {known}")
        if name in named:
            raise ValueError(f"{text!r} has {name} twice: leave one")
        named[name] = _deviation(name, value)
    if "itl_p95" in named:
        named.setdefault("itl_p95_large", named["itl_p95"])
    return Noise(**named)


def _deviation(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST:
        raise ValueError(f"{name}={text}: {text!r} is not a number from 0 to {_MOST:g}, such as 0.05")
    return value
