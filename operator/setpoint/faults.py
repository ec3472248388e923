"""A fault: what is wrong with an InferenceService beyond its schema, told so that a person can mend it."""

from dataclasses import dataclass

from setpoint.api.reasons import Reason

_LONGEST_VALUE = 120


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a service from being carried out as written."""

    field: str
    """Path of the field, such as `spec.engine.args[2]`."""
    value: str
    """The offending value as text, empty when there is none; never one that may be a secret."""
    message: str
    """What is wrong with the value, and the remedy: a clause that follows it."""
    reason: Reason
    """The reason of the condition that tells it."""

    def __str__(self) -> str:
        """Return the fault as one line, with a long value cut."""
        value = self.value if len(self.value) <= _LONGEST_VALUE else self.value[:_LONGEST_VALUE] + "..."
        return f"{self.field}: {value!r} {self.message}" if value else f"{self.field}: {self.message}"
