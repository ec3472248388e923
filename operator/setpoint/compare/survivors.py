"""Latencies are those of the requests that were answered: what failed, most often the slowest, is left out.

So a run that fails more looks faster. Its lower latency is no merit when it failed more than noise explains,
or so much more that the percentile is one of other requests. Where some failed, but neither is so, a verdict
carries that remark: requests that failed later, or otherwise, still shift it.
"""

from setpoint.compare.differences import difference
from setpoint.loadgen.report import OpenEstimate, Stage

SOME_FAILED = "some failed"
_P_VALUE = 0.05
_OF_THE_TAIL = 0.1
"""More failures than this share of what lies beyond a percentile move what it is a percentile of."""


def fails_more(first: Stage, second: Stage, tail: float) -> bool:
    """Return whether the second fails so much more that its latencies seem lower than they are.

    `tail`: the share of the requests that lies beyond the percentile in question.
    """
    one, other = _failed(first), _failed(second)
    more = difference(one, other)
    return more.value > 0 and (more.p_value <= _P_VALUE or more.value > _OF_THE_TAIL * tail)


def some_failed(*stages: Stage) -> bool:
    """Return whether any request failed."""
    return any(_failed(stage).value > 0 for stage in stages)


def _failed(stage: Stage) -> OpenEstimate:
    return stage.failed_share or OpenEstimate(value=0.0, low=0.0, high=None)
