"""A parser of ours as the type of a flag."""

import argparse
from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")


def typed(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Let argparse tell what is wrong with a value in the words of the parser's ValueError."""

    def parse_flag(text: str) -> _Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_flag
