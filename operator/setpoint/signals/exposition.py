"""The text format of /metrics, read by the Prometheus client library's own parser."""

from collections.abc import Collection, Iterator

from prometheus_client.parser import text_string_to_metric_families

from setpoint.signals.series import Series


def parse_exposition(text: str, names: Collection[str]) -> list[Series]:
    """Return the samples of the metrics with these sample names, in the order of the text.

    Raises ValueError that names the line's fault when the text is no exposition.
    """
    wanted = "\n".join(_lines(text, names)) + "\n"
    try:
        return [
            Series(sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(wanted)
            for sample in family.samples
        ]
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(f"not the Prometheus text format: {error}") from None


def _lines(text: str, names: Collection[str]) -> Iterator[str]:
    """The lines with these metrics: the parser is slow, and most of what an engine serves is not needed."""
    for line in text.splitlines():
        if line.partition("{")[0].partition(" ")[0] in names:
            yield line
