"""Faults on demand: what is wrong with the engine, written as words such as `slow:3,metrics-frozen`.

The words come from the environment at the start and from a control file while the engine runs, never from a
route: whoever can write the file owns the engine already.
"""

import math
from dataclasses import dataclass, fields, replace

OUT_OF_MEMORY = "out-of-memory"


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong. Each field is a word with - for _, `slow` with a factor after a colon."""

    out_of_memory: bool = False
    """The start ends with 1 and the words of a GPU that has no memory left. Later it does nothing."""
    crash: bool = False
    """The engine core dies: what runs fails, /health answers 503 for 5 s, then the server ends with 0."""
    hang: bool = False
    """/health answers 200 and what runs goes on, but no waiting request is admitted."""
    slow: float = 1.0
    """A step takes this many times as long."""
    metrics_frozen: bool = False
    """/metrics answers what it answered when the fault began."""
    metrics_refused: bool = False
    """/metrics answers 503."""
    counters_reset: bool = False
    """When the fault begins, every counter and histogram is 0 again and the process has just started."""
    double_count: bool = False
    """Counters and histograms grow twice as fast: a second API server counts the same requests."""


def parse_faults(text: str) -> Faults:
    """The faults that `text` names, parted by commas or white space; none when it is empty.

    Raises ValueError that says which words there are.
    """
    faults = Faults()
    switches = {field.name.replace("_", "-"): field.name for field in fields(Faults) if field.name != "slow"}
    for word in text.replace(",", " ").split():
        if word in switches:
            faults = replace(faults, **{switches[word]: True})
        elif word.startswith("slow:"):
            faults = replace(faults, slow=_factor(word))
        else:
            raise ValueError(f"{word!r} is no fault; write some of {', '.join(switches)} and slow:FACTOR")
    return faults


def _factor(word: str) -> float:
    try:
        factor = float(word.removeprefix("slow:"))
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise ValueError(f"{word!r} has no factor above 0; write for example slow:3")
    return factor
