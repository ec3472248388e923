"""Which Setpoint this is."""

import importlib.metadata


def version() -> str:
    """Return the version of the installed package; `unknown` when it runs from a checkout on the path."""
    try:
        return importlib.metadata.version("setpoint")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
