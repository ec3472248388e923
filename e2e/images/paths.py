"""Where built images are kept."""

from e2e.clusters.local.paths import CACHE as _CACHE

CACHE = _CACHE / "images"
"""May be deleted at any time: the next build fills it again."""
