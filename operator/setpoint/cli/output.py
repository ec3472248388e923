"""Objects as YAML, as people read it and `kubectl apply -f -` takes it."""

from collections.abc import Iterable
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Without anchors: what is used twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def yaml_documents(objects: Iterable[dict[str, Any]]) -> str:
    """Return the objects as YAML documents, each with its keys in the order it has them."""
    return "---\n".join(yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=110) for each in objects)
