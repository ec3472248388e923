"""Server-sent events out of bytes, however the network cuts them (WHATWG HTML, section 9.2.6)."""

MAX_EVENT_BYTES = 2**22
"""A longer event is no chunk of an answer: it would fill the memory."""


class EventParser:
    """Gives the data of each event once it is whole; comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        """Of a line whose end is still to come, in pieces: to join them at each is slow if they are small."""
        self._data: list[bytes] = []
        self._held_bytes = 0
        """In both, with a line end for each line of data."""

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of the events that `received` completes.

        Raises ValueError when an event grows beyond MAX_EVENT_BYTES.
        """
        # A line may end in CR, LF or both; a CR at the very end may be half of both, so it waits.
        events: list[bytes] = []
        waits = bool(self._rest) and self._rest[-1].endswith(b"\r")
        if waits or b"\n" in received or b"\r" in received[:-1]:
            events = self._take_lines(b"".join([*self._rest, received]))
        elif received:
            self._rest.append(received)
            self._held_bytes += len(received)
        if self._held_bytes > MAX_EVENT_BYTES:
            raise ValueError(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")
        return events

    def _take_lines(self, text: bytes) -> list[bytes]:
        held = text.endswith(b"\r")
        lines = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._held_bytes -= sum(map(len, self._rest))
        rest = lines.pop() + (b"\r" if held else b"")
        self._rest = [rest] if rest else []
        self._held_bytes += len(rest)
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._held_bytes += len(self._data[-1]) + 1
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
                self._held_bytes = len(rest)
        return events
