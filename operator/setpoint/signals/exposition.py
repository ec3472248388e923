"""The text format of /metrics, read by the Prometheus client library's own parser."""

import re
from collections.abc import Collection, Iterator

from setpoint.signals.series import Series


def parse_exposition(text: str, names: Collection[str]) -> list[Series]:
    """Return the samples of the metrics with these sample names, in the order of the text.

    Raises ValueError that names the line's fault when the text is no exposition.
    """
    # The operator's image goes without this library, and imports this package.
    from prometheus_client.parser import text_string_to_metric_families

    wanted = "\n".join(_lines(text, names)) + "\n"
    try:
        return [
            Series(sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(wanted)
            for sample in family.samples
        ]
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(f"not the Prometheus text format: {error}") from None


_NAME = re.compile(r"[^{\s]*")


def _lines(text: str, names: Collection[str]) -> Iterator[str]:
    """The lines with these metrics: the parser is slow, and most of what an engine serves is not needed."""
    for line in text.split("\n"):  # alone ends a line: label values may have whatever else Unicode breaks at
        match = _NAME.match(line)
        if match and match[0] in names:
            yield line
