"""Where a model comes from: the URI schemes and what stands behind each.

- hf://ORGANISATION/NAME[@REVISION]: a repository of the Hugging Face Hub, or of what HF_ENDPOINT points at
- pvc://CLAIM[/PATH]: a folder of a PersistentVolumeClaim in the service's namespace
- file:///PATH: a folder of the node, where the administrator allows it
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from setpoint.api.rules import Rule, Ruled, matches

_HUGGING_FACE = r"hf://[A-Za-z0-9][-A-Za-z0-9._]*/[A-Za-z0-9][-A-Za-z0-9._]*(@[A-Za-z0-9][-A-Za-z0-9._/]*)?"
_VOLUME_CLAIM = r"pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?(/[^\x00-\x1f\x7f]+)?"
_NODE_PATH = r"file:///[^\x00-\x1f\x7f]+"
_ANY = f"{_HUGGING_FACE}|{_VOLUME_CLAIM}|{_NODE_PATH}"


@dataclass(frozen=True, slots=True)
class HuggingFaceModel:
    """A repository on a Hub, at a branch, tag or commit (None: the Hub's default)."""

    repository: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class VolumeClaimModel:
    """A folder of a PersistentVolumeClaim, relative to the volume's root ("" is the root)."""

    claim: str
    path: str


@dataclass(frozen=True, slots=True)
class NodePathModel:
    """An absolute folder of the node."""

    path: str


ModelSource = HuggingFaceModel | VolumeClaimModel | NodePathModel


def parse_model_uri(uri: str) -> ModelSource:
    """Return what a `model.uri` names.

    Raises ValueError when the scheme or its form is unknown.
    """
    if not re.fullmatch(_ANY, uri) or not _stays_inside(uri):
        raise ValueError(f"{uri!r}: {_FORM.message}")
    scheme, _, rest = uri.partition("://")
    if scheme == "hf":
        repository, _, revision = rest.partition("@")
        return HuggingFaceModel(repository, revision or None)
    if scheme == "pvc":
        claim, _, path = rest.partition("/")
        return VolumeClaimModel(claim, path.strip("/"))
    return NodePathModel(rest)


def _stays_inside(uri: str) -> bool:
    return not any(part in {".", ".."} for part in uri.split("/"))


_FORM = matches(_ANY, "must be hf://ORGANISATION/NAME[@REVISION], pvc://CLAIM[/PATH] or file:///PATH")
_INSIDE = Rule(
    "self.split('/').all(part, part != '..' && part != '.')",
    "must not contain the path elements . or ..",
    _stays_inside,
)

ModelUri = Annotated[str, StringConstraints(min_length=1, max_length=1024), Ruled(_FORM, _INSIDE)]
"""A model's address."""
