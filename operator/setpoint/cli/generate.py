"""The files that are written from the code, all in one place.

`python -m setpoint.cli.generate` writes them anew; with `--check` it changes nothing and fails when one
differs.
"""

import argparse
import sys
from pathlib import Path

from setpoint.api.reference import inference_service_reference
from setpoint.cli.crds import crds_yaml
from setpoint.kube.permissions import rules_template

_CRD_FILE = "setpoint.dev_inferenceservices.yaml"


def files() -> dict[str, str]:
    """Return the text of each generated file, by its path from the repository's root."""
    return {
        f"crds/{_CRD_FILE}": crds_yaml(),
        "docs/reference/inferenceservice.md": inference_service_reference(),
        # Helm installs what stands in a chart's own crds/, and never upgrades or deletes it.
        f"charts/setpoint/crds/{_CRD_FILE}": crds_yaml(),
        "charts/setpoint/templates/_rules.tpl": rules_template(),
    }


def write(root: Path) -> None:
    """Write each generated file under `root`."""
    for name, text in files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def differing(root: Path) -> list[str]:
    """Return the paths of the generated files that are missing under `root` or not what the code gives."""
    return [name for name, text in files().items() if not _holds(root / name, text)]


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def main(arguments: list[str] | None = None) -> int:
    """Write the generated files of the checkout in the current folder, or check them."""
    parser = argparse.ArgumentParser(prog="python -m setpoint.cli.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    root = Path.cwd()
    if parser.parse_args(arguments).check:
        stale = differing(root)
        for name in stale:
            print(
                f"{name}: differs from what the code gives: run `python -m setpoint.cli.generate`",
                file=sys.stderr,
            )
        return 1 if stale else 0
    write(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
