"""Setpoint's own search (`setpoint.tuner.search`), on the cells of a table."""

from collections.abc import Sequence
from random import Random

from benchmarks.tuner.replay.arm import Arm, Problem
from benchmarks.tuner.replay.visit import Cell, Visit
from setpoint.tuner.batching import Mix
from setpoint.tuner.search import Search, Setting
from setpoint.tuner.search import Visit as Measured
from setpoint_vllm.limits_file import Latency


class Ours:
    """Begins at the start, as a running service does."""

    def __init__(self, problem: Problem, _: Random) -> None:
        promise, load = problem.promise, problem.load
        thresholds = {Latency.TTFT: promise.ttft_p95_seconds, Latency.ITL: promise.itl_p95_seconds}
        self._start = problem.start
        self._search = Search(
            settings=[Setting(cell.seqs, cell.toks) for cell in problem.cells],
            promise={latency: seconds for latency, seconds in thresholds.items() if seconds is not None},
            clients=load.clients,
            mix=Mix(load.mean_prompt_tokens, load.mean_output_tokens),
        )

    def next(self, visits: Sequence[Visit], /) -> Cell | None:
        """Return what the search tries next."""
        if not visits:
            return self._start
        following = self._search.following(_measured(visits))
        return None if following is None else Cell(following.seqs, following.tokens)

    def end(self, visits: Sequence[Visit], /) -> Cell:
        """Return where the search stays; the start where it found that nothing keeps the promise."""
        end = self._search.end(_measured(visits)) if visits else None
        return Cell(end.seqs, end.tokens) if end else self._start


def ours(problem: Problem, draw: Random) -> Arm:
    """Return the arm for a problem."""
    return Ours(problem, draw)


def _measured(visits: Sequence[Visit]) -> list[Measured]:
    return [
        Measured(
            Setting(each.cell.seqs, each.cell.toks),
            each.tok_s,
            each.ttft_p95_seconds,
            each.itl_p95_seconds,
        )
        for each in visits
    ]
