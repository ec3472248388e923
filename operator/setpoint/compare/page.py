"""A comparison as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from setpoint.compare.comparison import Comparison
from setpoint.compare.curves import plots
from setpoint.compare.document import document, verdict_of
from setpoint.compare.pictures import svg


def page(comparison: Comparison) -> str:
    """Return the page; the same comparison gives the same bytes."""
    environment = Environment(
        loader=PackageLoader("setpoint.compare", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        document=document(comparison),
        pictures=[(plot.title, svg(plot)) for plot in plots(comparison)],
        class_of=_class_of,
    )


def _class_of(cell: str) -> str:
    """Return the class of a cell that tells a verdict; empty for any other."""
    return (verdict_of(cell) or "").replace(" ", "-")
