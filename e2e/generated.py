"""Everything in this repository that is generated, in one place: written, or compared with what is there.

`python -m e2e.generated` (`make generate`) writes; `--check` (`make verify`) fails when a file was edited by
hand, is out of date, or has no source any more.
"""

import argparse
import sys
from pathlib import Path

from e2e.clusters.progress import say
from setpoint.cli import generate
from tests.chart import golden as chart_golden
from tests.golden import generate as golden

ROOT = Path(__file__).parents[1]


def files() -> dict[str, str]:
    """The text of each generated file, by its path from the top of the repository."""
    return {
        **generate.files(),
        **chart_golden.files(),
        **{f"tests/golden/{name}.yaml": golden.golden(name) for name in golden.CASES},
    }


def differing(wanted: dict[str, str]) -> list[str]:
    """The paths of the files that are not as generated, or that nothing generates."""
    # In these folders everything is generated.
    folders = {(ROOT / name).parent for name in wanted if {"golden", "crds"} & set(Path(name).parts)}
    stray = {
        str(path.relative_to(ROOT)) for folder in folders for path in folder.glob("*.yaml")
    } - wanted.keys()
    return sorted(stray | {name for name, text in wanted.items() if _text(ROOT / name) != text})


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> int:
    """Write, or check; the exit code of a check is 1 when a file differs."""
    parser = argparse.ArgumentParser(prog="python -m e2e.generated", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    check = parser.parse_args().check
    wanted = files()
    changed = differing(wanted)
    for name in changed:
        if check:
            say(f"{name}: is not what the code generates: run `make generate`, or change the code")
        elif name in wanted:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(wanted[name], encoding="utf-8")
            say(f"{name}: written")
        else:
            (ROOT / name).unlink()
            say(f"{name}: deleted, as nothing generates it")
    if not changed:
        say(f"{len(wanted)} generated files are up to date")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
