"""Which flags of `setpoint loadtest` count under which load: one without an effect is a mistake."""

import argparse

from setpoint.cli.documents import DocumentError
from setpoint.workload.objectives import ItlRule

DEFAULTS = {
    "speed": 1.0,
    "arrivals": "poisson",
    "prompt_tokens": "uniform:256:768",
    "output_tokens": "uniform:64:192",
    "itl_rule": ItlRule.MEAN,
    "seed": 1,
}
"""Of the flags that do not always count: the parser leaves them None, so that one that was given is known."""

_LOADS = ("clients", "rate", "trace", "find_capacity")
_LOADS_OF = {
    "speed": ("trace",),
    "arrivals": ("rate", "find_capacity"),
    "prompt_tokens": ("clients", "rate", "find_capacity"),
    "output_tokens": ("clients", "rate", "find_capacity"),
    "seed": ("clients", "rate", "find_capacity"),
    "warmup": ("clients", "rate", "trace"),
}
"""A trace has its own times and lengths; a search finds the warm-up of each stage, which it may end early."""


def with_defaults(options: argparse.Namespace) -> argparse.Namespace:
    """Return the options with what was not given. Raises DocumentError for a flag without an effect."""
    load = next((name for name in _LOADS if getattr(options, name)), None)
    if load is None:
        raise DocumentError(
            "no load: add one of --clients 1,10,100, --rate 5,10,20, --trace FILE, --find-capacity"
        )
    given = {name: value for name, value in vars(options).items() if value is not None}
    for name, loads in _LOADS_OF.items():
        if name in given and load not in loads:
            raise DocumentError(
                f"{_flag(name)}: has no effect with {_flag(load)}: leave it out, or use "
                f"{' or '.join(map(_flag, loads))}"
            )
    if "itl_rule" in given and options.slo is None:
        raise DocumentError(
            "--itl-rule: has no effect without --slo: leave it out, or add --slo itl.p95=60ms"
        )
    return argparse.Namespace(**{**vars(options), **DEFAULTS, **given})


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
