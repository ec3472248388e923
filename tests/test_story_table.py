from typing import Any

from e2e.story_table import Part, Watched, table

BEGAN = 1_800_000_000.0
PART = Part("busy", "Auto", "chat", 7.5, stage_seconds=50, stages=2)


def stage(itl_p95_seconds: float | None) -> dict[str, Any]:
    itl = {"p95": {"value": itl_p95_seconds}} if itl_p95_seconds is not None else None
    return {"requests_offered": 200, "good": 190, "errors": {"http_503": 7}, "itl": itl, "ttft": None}


def test_a_stage_is_told_with_the_budget_in_force_at_its_end() -> None:
    budgets = [(BEGAN, 8192.0), (BEGAN + 40, 1536.0), (BEGAN + 90, 1024.0)]
    report = {
        "started_at": "2027-01-15T08:00:00Z", "duration_seconds": 140.0, "stages": [stage(0.372), stage(0.25)]
    }  # fmt: skip

    _, first, second = table([(PART, report)], Watched(BEGAN, [], budgets, [])).splitlines()

    assert first.split() == ["Auto", "chat", "7.5", "372", "ms", "-", "95.0%", "7", "1536"]
    assert second.split()[-1] == "1024"


def test_a_stage_without_an_answer_and_limits_that_nobody_saw_are_told_as_such() -> None:
    report = {"started_at": "2027-01-15T08:00:00Z", "duration_seconds": 140.0, "stages": [stage(None)] * 2}
    told = table([(PART, report)], Watched(BEGAN, [], [], []))
    assert told.splitlines()[1].split() == ["Auto", "chat", "7.5", "-", "-", "95.0%", "7", "-"]


def test_the_plot_has_a_column_for_each_moment_and_names_what_held() -> None:
    budgets = [(BEGAN + 5 * number, 8192.0 if number < 10 else 1536.0) for number in range(20)]
    itl_p95 = [(at, 0.4 if budget > 1536 else 0.25) for at, budget in budgets]
    text = Watched(BEGAN, itl_p95, budgets, [(0.0, PART)]).plot(0.3)
    assert "╷8192     ╷1536" in text
    assert "╷chat 7.5/s" in text
