"""Write the simulator's flags.json: the options of `vllm serve`, read from a real vLLM's parser.

Runs in the real-vLLM image or anywhere vLLM is installed:
`python record_flags.py > operator/setpoint/simulator/http/flags.json`.
"""

import argparse
import inspect
import json
from typing import Any

from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser


def takes(action: argparse.Action) -> str:
    """What an option takes: "switch", "boolean" (also --no-NAME), or the type of its value, with + where
    several may follow and * where the option itself may be given several times.
    """
    if isinstance(action, argparse.BooleanOptionalAction):
        return "boolean"
    if action.nargs == 0:
        return "switch"
    convert: Any = action.type
    optional = getattr(convert, "__name__", "") == "_optional_type"
    if optional:
        convert = inspect.getclosurevars(convert).nonlocals["return_type"]
    name = getattr(convert, "__name__", "str")
    kind = name if name in {"int", "float", "human_readable_int", "human_readable_int_or_auto"} else "str"
    several = "*" if type(action).__name__ == "_AppendAction" else "+" if action.nargs == "+" else ""
    return ("optional_" if optional and kind != "str" else "") + kind + several


def main() -> None:
    """Print one option a line, sorted by name."""
    parser = make_arg_parser(FlexibleArgumentParser())
    rows = []
    for action in parser._actions:  # noqa: SLF001
        names = [name for name in action.option_strings if not name.startswith("--no-")]
        if not names or "--help" in names:
            continue
        row: dict[str, object] = {"names": names, "takes": takes(action)}
        if action.choices:
            row["choices"] = sorted(str(choice) for choice in action.choices)
        rows.append(json.dumps(row))
    print("[\n" + ",\n".join(sorted(rows)) + "\n]")


if __name__ == "__main__":
    main()
