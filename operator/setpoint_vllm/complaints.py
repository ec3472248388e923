"""Saying once what is wrong, although it is looked at twice a second."""

import logging


class Complaints:
    """What was said last, by what it is about."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said: dict[object, str] = {}

    def say(self, about: object, text: str, *, exc_info: bool = False) -> None:
        """Say it once, until it is well again or something else is wrong."""
        if self._said.get(about) != text:
            self._said[about] = text
            self._log.warning(text, exc_info=exc_info)

    def is_well(self, about: object) -> None:
        """Note that nothing is wrong there."""
        self._said.pop(about, None)
