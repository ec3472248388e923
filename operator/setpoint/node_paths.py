"""Folders of the node that the administrator lets services see."""

from collections.abc import Sequence
from pathlib import PurePosixPath


def normalize(path: str) -> str:
    """Return an absolute path with single slashes and none at the end."""
    return "/" + "/".join(part for part in path.split("/") if part not in {"", "."})


def is_allowed(path: str, allowed: Sequence[str]) -> bool:
    """Return whether `path` is, or lies under, an allowed folder: by path element, and never through `..`."""
    folder = PurePosixPath(normalize(path))
    return (
        path.startswith("/")
        and ".." not in folder.parts
        and any(folder.is_relative_to(normalize(root)) for root in allowed if root.startswith("/"))
    )


def remedy(allowed: Sequence[str]) -> str:
    """Return what to say of a path that is not allowed."""
    folders = f"(allowed: {', '.join(allowed)})" if allowed else "(none is allowed)"
    return (
        f"is not a folder of the node that the administrator allows {folders}: use a PersistentVolumeClaim,"
        " or have it added to allowedNodePaths in the chart's values"
    )
