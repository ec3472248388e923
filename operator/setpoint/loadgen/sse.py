"""Server-sent events out of bytes, however the network cuts them (WHATWG HTML, section 9.2.6)."""

MAX_EVENT_BYTES = 16 * 2**20
"""A longer event is no chunk of an answer: it would fill the memory."""


class EventParser:
    """Gives the data of each event once it is whole; comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of the events that `received` completes.

        Raises ValueError when an event grows beyond MAX_EVENT_BYTES.
        """
        # A line may end in CR, LF or both; a CR at the very end may be half of both, so it waits.
        text = self._rest + received
        held = text.endswith(b"\r")
        lines = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + (b"\r" if held else b"")
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        if len(self._rest) + sum(map(len, self._data)) > MAX_EVENT_BYTES:
            raise ValueError(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")
        return events
