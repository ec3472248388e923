"""Types of flags: a parser of ours, a number within bounds."""

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


def number(kind: Callable[[str], _Value], least: float, most: float) -> Callable[[str], _Value]:
    """Take a number, whole where the kind is int, from `least` to `most`."""

    def parse_number(text: str) -> _Value:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if not isinstance(value, int | float) or not least <= value <= most:
            whole = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {whole} from {least:g} to {most:g}")
        return value

    return parse_number
