"""What the chart renders with the defaults and with every value set, kept to be read and compared.

python -m tests.chart.golden
"""

from pathlib import Path

import yaml

from tests.chart import helm

HERE = Path(__file__).parent
EVERYTHING = yaml.safe_load((HERE / "everything.yaml").read_text())
CASES = {"defaults": {}, "everything": EVERYTHING}


def path(case: str) -> Path:
    """Where the rendering of a case is kept."""
    return HERE / "golden" / f"{case}.yaml"


def write_golden() -> None:
    """Write the rendering of every case."""
    for case, values in CASES.items():
        path(case).parent.mkdir(exist_ok=True)
        path(case).write_text(helm.render_text(values))


if __name__ == "__main__":
    write_golden()
