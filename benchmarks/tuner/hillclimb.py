"""A hill-climb on goodput in the way of SLO-Tuner (arXiv 2603.11340), black-box and online.

That paper measures short segments from outside and moves to the neighbour with the higher goodput. Its
knobs are others (client concurrency, batching); here they are the two that all arms have. One knob goes
one place up or down; what is better stays and goes on in its direction, what is not is taken back and the
next direction tried. After all directions have failed it waits, and begins anew when the goodput falls.
"""

from collections.abc import Sequence

from benchmarks.tuner.windowed import SEQUENCES, TOKENS, Seen, Windowed, knobs_of
from setpoint.tuner.knobs import Knobs, Start
from setpoint.tuner.promise import Objective

DIRECTIONS = ((-1, 0), (0, -1), (1, 0), (0, 1))
"""In places of tokens and of sequences: smaller first, since it begins at the largest."""
BETTER, WORSE = 0.005, 0.05
"""What counts as more goodput than before, and as less than where it rests."""

Place = tuple[int, int]


class HillClimb(Windowed):
    """Where it is, where it came from, and which way it looks."""

    def __init__(self, objectives: Sequence[Objective], start: Start) -> None:
        super().__init__(objectives, start)
        self._tokens = [each for each in TOKENS if each < start.tokens] + [start.tokens]
        self._sequences = [each for each in SEQUENCES if each < start.seqs] + [start.seqs]
        self._at: Place = (len(self._tokens) - 1, len(self._sequences) - 1)
        self._best: Place = self._at
        self._best_score: float | None = None
        self._direction = 0
        self._failed = 0

    def next_knobs(self, window: Seen) -> Knobs:
        """Return the next place to measure, or the best one when there is none."""
        score = window.score
        if self._failed >= len(DIRECTIONS):
            if self._best_score is not None and score >= self._best_score - WORSE:
                return self._knobs(self._best)
            self._failed, self._best_score = 0, None
        if self._best_score is None:
            self._best_score = score
        elif self._at != self._best and score > self._best_score + BETTER:
            self._best, self._best_score, self._failed = self._at, score, 0
        elif self._at != self._best:
            self._fail()
        return self._knobs(self._go())

    def _go(self) -> Place:
        """The neighbour in the first direction that leads to one; the best where all have failed."""
        while self._failed < len(DIRECTIONS):
            by_tokens, by_sequences = DIRECTIONS[self._direction]
            place = self._best[0] + by_tokens, self._best[1] + by_sequences
            if 0 <= place[0] < len(self._tokens) and 0 <= place[1] < len(self._sequences):
                self._at = place
                return place
            self._fail()
        self._at = self._best
        return self._at

    def _fail(self) -> None:
        self._failed += 1
        self._direction = (self._direction + 1) % len(DIRECTIONS)

    def _knobs(self, place: Place) -> Knobs:
        self._at = place
        return knobs_of(self._tokens[place[0]], self._sequences[place[1]], self.start)
