"""The server that a command needs: found again where an earlier command left it, else started."""

from benchmarks.h100 import model, server
from benchmarks.h100.plan import Start

_NAME = server.FOLDER / "running-start"


def name() -> str:
    """Return what the running start is called; "" where none is known."""
    return _NAME.read_text() if _NAME.exists() else ""


def is_running(start: Start) -> bool:
    """Return whether the server runs as this start says."""
    return name() == start.name and server.is_healthy()


def begin(start: Start) -> None:
    """Start the server, whichever ran before."""
    if not server.MODEL.exists():
        model.write(server.MODEL, "8b")
    _NAME.unlink(missing_ok=True)
    seconds = server.start(list(start.flags))
    print(f"{start.name}: healthy after {seconds:.0f} s", flush=True)
    _NAME.write_text(start.name)


def have(start: Start) -> None:
    """Have the server run as this start says."""
    if not is_running(start):
        begin(start)
