from e2e.plot import WIDTH, Moment, plot

PROMISED_SECONDS = 0.3


def moments(*latencies_seconds: float | None) -> list[Moment]:
    return [Moment(5.0 * number, each) for number, each in enumerate(latencies_seconds)]


def column(text: str, number: int) -> str:
    """What stands above the time axis there, from the top down."""
    return "".join(line[10 + number : 11 + number] or " " for line in text.splitlines()[:-1])


def promised_row(text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines()) if "promised" in line)


def test_only_what_exceeds_the_promise_reaches_its_line() -> None:
    text = plot(moments(0.299, 0.31, 0.6), PROMISED_SECONDS, [])
    assert [column(text, number)[promised_row(text)] != "_" for number in range(3)] == [False, True, True]


def test_what_is_far_beyond_the_promise_leaves_room_for_what_is_not() -> None:
    text = plot(moments(0.15, 30.0), PROMISED_SECONDS, [])
    assert column(text, 1)[0] == "↑"
    assert column(text, 0).count("█") >= 2


def test_a_moment_without_an_answer_is_an_empty_column() -> None:
    assert column(plot(moments(None, 0.2), PROMISED_SECONDS, []), 0).strip() == "_"


def test_limits_are_told_where_they_change() -> None:
    budgets = [(5.0 * number, "8192" if number < 20 else "1536") for number in range(40)]
    text = plot(moments(*[0.2] * 40), PROMISED_SECONDS, [("in force", budgets)])
    (told,) = (line for line in text.splitlines() if "in force" in line)
    assert told[10:].split("╷")[1:] == ["8192".ljust(19), "1536"]


def test_no_line_is_wider_than_a_terminal() -> None:
    text = plot(moments(*[0.2] * 300), PROMISED_SECONDS, [("load", [(0.0, "chat " * 50)])])
    assert max(map(len, text.splitlines())) == WIDTH
