import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.loadgen import sse
from setpoint.loadgen.sse import EventParser

data = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1).map(str.encode), max_size=5
)


def fed(pieces: list[bytes]) -> list[bytes]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@given(data, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(1, 9)), st.booleans())
def test_events_do_not_depend_on_where_the_network_cuts(
    events: list[bytes], newline: bytes, cuts: list[int], comments: bool
) -> None:
    comment = b": ping" + newline + newline if comments else b""
    text = b"".join(comment + b"data: " + event + newline + newline for event in events) + comment
    pieces = []
    for cut in cuts:
        pieces.append(text[:cut])
        text = text[cut:]
    # A CR that is the last byte so far may be half of a CRLF: what follows tells.
    assert fed([*pieces, text, b"\n"]) == events


def test_data_over_several_lines_is_one_event() -> None:
    assert fed([b"event: x\ndata: a\ndata:b\nid: 3\n\n"]) == [b"a\nb"]


def test_what_is_not_ended_by_an_empty_line_is_no_event() -> None:
    assert fed([b"data: a\n"]) == []


@pytest.mark.parametrize(
    "piece", [b"data: " + b"x" * 60, b"x", b"data:\n", b"data:\r\n", b": " + b"x" * 10], ids=repr
)
def test_an_event_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    with pytest.raises(ValueError, match="longer than 100 bytes"):
        fed([piece] * 200)


@given(st.lists(st.sampled_from([b"data: abc\n", b"data:", b"\r", b"\n", b": c", b"\r\n\r\n", b"x"])))
def test_only_what_is_held_counts_towards_the_longest_event(pieces: list[bytes]) -> None:
    parser = EventParser()
    for piece in [*pieces, b"\n\n"]:
        parser.feed(piece)
    held = sum(map(len, parser._rest)) + sum(len(line) + 1 for line in parser._data)
    assert parser._held_bytes == held == 0
