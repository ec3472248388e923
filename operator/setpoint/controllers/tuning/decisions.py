"""Records of what was decided, one line of the log each, for `setpoint replay`. A quiet cycle leaves none."""

import logging

from setpoint.controllers.tuning.tuned import Tuned
from setpoint.kube.objects import Key
from setpoint.tuner.record import Record, record_line

logger = logging.getLogger("setpoint.tuning.decisions")


def log_change(key: Key, record: Record, before: Tuned, after: Tuned) -> None:
    """Log the record of a cycle in which a limit moved, or something else than before was recommended."""
    is_new = bool(after.done) and (not before.done or after.done[0].at_seconds != before.done[0].at_seconds)
    if is_new or record.before.knobs != record.after.knobs:
        logger.info("%s/%s: %s", *key, record_line(record))
