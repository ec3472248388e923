"""Where built images are kept."""

from e2e.clusters.local.paths import CACHE as _CACHE

CACHE = _CACHE / "images"
"""May be deleted at any time: the next build fills it again."""
TEMPORARY = ("context-*", "run-*", "debootstrap-*")
"""Folders in the cache that live as long as one build."""
