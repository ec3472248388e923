"""The series that a running vLLM 0.32 shows on /metrics.

vllm-metrics-0.32.txt is what real vLLM 0.32.0 answered (CPU build, 2-core machine, the tiny model with
--max-model-len 512 under the name "tiny", after 740 completions of 64 prompt tokens, 2026-11).
"""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

Series = frozenset[tuple[str, str]]
"""One series by its labels, without those whose values tell of the machine or the model."""

_OF_THE_MACHINE = {"model_name", "version", "major", "minor", "patchlevel"}


def reference() -> dict[str, tuple[str, set[Series]]]:
    """What vLLM shows: by name of the sample, its type and its series."""
    return parse(Path(__file__).with_name("vllm-metrics-0.32.txt").read_text())


def parse(text: str) -> dict[str, tuple[str, set[Series]]]:
    """What a /metrics answer shows, as `reference`; of vllm:cache_config_info only the labels' names."""
    found: dict[str, tuple[str, set[Series]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            by_value = sample.name != "vllm:cache_config_info"
            labels = {
                name: value if by_value and name not in _OF_THE_MACHINE else ""
                for name, value in sample.labels.items()
            }
            found.setdefault(sample.name, (family.type, set()))[1].add(frozenset(labels.items()))
    return found
