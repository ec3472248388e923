"""What the chart renders with the defaults, with every value set, and for the Prometheus Operator: kept to
be read and compared.

python -m tests.chart.golden
"""

from pathlib import Path

import yaml

from tests.chart import helm

ROOT = Path(__file__).parents[2]
EVERYTHING = yaml.safe_load(Path(__file__).with_name("everything.yaml").read_text())
CASES = {"defaults": {}, "everything": EVERYTHING, "monitored": {"prometheus": {"podMonitor": True}}}


def files() -> dict[str, str]:
    """The rendering of every case, by its path from the repository's root."""
    return {f"tests/chart/golden/{case}.yaml": helm.render_text(values) for case, values in CASES.items()}


def write_golden() -> None:
    """Write the rendering of every case."""
    for name, text in files().items():
        (ROOT / name).write_text(text)


if __name__ == "__main__":
    write_golden()
