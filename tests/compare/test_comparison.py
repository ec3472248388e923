from setpoint.compare.comparison import Comparison, Match, Verdict, compare
from tests.compare.builders import estimate, latency, report, runs, stage


def verdicts(comparison: Comparison, match: Match | None = None) -> dict[str, Verdict]:
    chosen = match or comparison.matches[0]
    return {each.name: each.verdict(comparison.threshold) for each in chosen.figures}


def test_two_runs_alike_differ_within_noise() -> None:
    assert set(verdicts(compare(runs(report(), report()))).values()) == {Verdict.NOISE}


def test_more_throughput_and_less_latency_are_better() -> None:
    comparison = compare(runs(report(), report(stage(tokens=1500, ttft=0.2))))
    found = verdicts(comparison)
    assert found["output tokens/s"] == found["requests/s"] == found["TTFT p95, ms"] == Verdict.BETTER
    assert found["ITL p95, ms"] == Verdict.NOISE
    back = verdicts(compare(runs(report(stage(tokens=1500, ttft=0.2)), report())))
    assert back["output tokens/s"] == back["TTFT p95, ms"] == Verdict.WORSE


def test_the_same_difference_is_noise_when_runs_are_noisy() -> None:
    steady = compare(runs(report(), report(stage(tokens=1100))))
    noisy = compare(runs(report(stage(noise=0.2)), report(stage(tokens=1100, noise=0.2))))
    assert verdicts(steady)["output tokens/s"] == Verdict.BETTER
    assert verdicts(noisy)["output tokens/s"] == Verdict.NOISE


def remarks(comparison: Comparison) -> dict[str, str]:
    return {each.name: each.remark for each in comparison.matches[0].figures}


def test_a_latency_is_not_better_where_more_requests_failed() -> None:
    shedding = report(stage(ttft=0.1, errors={"http_503": 60}))
    comparison = compare(runs(report(), shedding))
    assert verdicts(comparison)["failed, %"] == Verdict.WORSE
    assert verdicts(comparison)["TTFT p95, ms"] == Verdict.NOT_JUDGED
    assert remarks(comparison)["TTFT p95, ms"] == "B failed more"
    turned = compare(runs(shedding, report()))
    assert verdicts(turned)["TTFT p95, ms"] == Verdict.NOT_JUDGED
    assert remarks(turned)["TTFT p95, ms"] == "A failed more"


def test_a_latency_is_worse_even_where_more_requests_failed() -> None:
    comparison = compare(runs(report(), report(stage(ttft=0.8, errors={"http_503": 60}))))
    assert verdicts(comparison)["TTFT p95, ms"] == Verdict.WORSE
    assert remarks(comparison)["TTFT p95, ms"] == "some failed"


def test_few_failures_more_qualify_a_median_and_take_the_verdict_from_a_tail() -> None:
    comparison = compare(runs(report(), report(stage(ttft=0.1, errors={"timeout": 1}))))
    assert verdicts(comparison)["TTFT p50, ms"] == Verdict.BETTER
    assert remarks(comparison)["TTFT p50, ms"] == "some failed"
    assert verdicts(comparison)["TTFT p99, ms"] == Verdict.NOT_JUDGED
    assert remarks(comparison)["TTFT p99, ms"] == "B failed more"


def test_where_as_many_failed_the_verdict_on_a_latency_says_so() -> None:
    first, second = (report(stage(ttft=ttft, errors={"http_503": 60})) for ttft in (0.4, 0.1))
    comparison = compare(runs(first, second))
    assert verdicts(comparison)["TTFT p95, ms"] == Verdict.BETTER
    assert remarks(comparison)["TTFT p95, ms"] == "some failed"
    assert remarks(comparison)["output tokens/s"] == ""


def test_a_stage_that_is_invalid_or_not_stationary_never_wins() -> None:
    for flawed in (
        stage(tokens=9e9, ttft=1e-6, invalid=["slow client"]),
        stage(tokens=9e9, stationary=False),
    ):
        for order in ((report(), report(flawed)), (report(flawed), report())):
            comparison = compare(runs(*order))
            assert set(verdicts(comparison).values()) == {Verdict.NOT_JUDGED}
            assert comparison.judged == 0
            assert comparison.matches[0].flaws


def test_goodput_is_not_judged_across_different_slos() -> None:
    other = report(stage(tokens=5000), slo="itl.p95=30ms", sustainable_rate=estimate(50))
    comparison = compare(runs(report(sustainable_rate=estimate(10)), other))
    search, load = comparison.matches
    assert verdicts(comparison, search) == {"sustainable rate/s": Verdict.NOT_JUDGED}
    assert search.figures[0].remark == "SLOs differ"
    assert verdicts(comparison, load)["goodput/s"] == Verdict.NOT_JUDGED
    assert verdicts(comparison, load)["output tokens/s"] == Verdict.BETTER


def test_the_same_objectives_in_other_words_are_one_slo() -> None:
    one, other = (
        report(stage(tokens=tokens), slo=slo)
        for tokens, slo in ((1000, "itl.p95=60ms,ttft.p95=1s"), (5000, "ttft.p95=1000ms, itl.p95=60ms"))
    )
    comparison = compare(runs(one, other))
    assert verdicts(comparison)["goodput/s"] == Verdict.BETTER
    assert comparison.cautions == ()


def test_a_figure_that_one_run_lacks_is_not_judged() -> None:
    silent = report(stage(ttft=0.1, errors={"timeout": 600}).model_copy(update={"ttft": None}))
    assert verdicts(compare(runs(report(), silent)))["TTFT p95, ms"] == Verdict.NOT_JUDGED


def test_a_percentile_without_an_upper_bound_is_not_judged() -> None:
    few = report(stage(ttft=0.2).model_copy(update={"ttft": latency(0.2, open_p99=True)}))
    for order in ((report(), few), (few, report())):
        comparison = compare(runs(*order))
        assert verdicts(comparison)["TTFT p95, ms"] != Verdict.NOT_JUDGED
        assert verdicts(comparison)["TTFT p99, ms"] == Verdict.NOT_JUDGED
        assert remarks(comparison)["TTFT p99, ms"] == "no upper bound"


def test_every_other_run_is_held_against_the_first_under_each_load_that_both_have() -> None:
    ladders = [
        report(*(stage(clients=each) for each in ladder)) for ladder in ((1, 10, 100), (10, 100), (1, 7))
    ]
    assert [
        (match.first.label, match.second.label, match.under) for match in compare(runs(*ladders)).matches
    ] == [("A", "B", "10 clients"), ("A", "B", "100 clients"), ("A", "C", "1 client")]


def test_sustainable_rates_are_compared() -> None:
    comparison = compare(runs(*(report(sustainable_rate=estimate(rate)) for rate in (10, 12))))
    assert comparison.matches[0].under == "capacity search"
    assert verdicts(comparison) == {"sustainable rate/s": Verdict.BETTER}


def test_the_more_is_compared_the_less_passes_for_real() -> None:
    plain, slightly_more = stage(clients=1), stage(clients=1, tokens=1045)
    rest = [stage(clients=clients) for clients in range(2, 30)]
    alone = compare(runs(report(plain), report(slightly_more)))
    among_many = compare(runs(report(plain, *rest), report(slightly_more, *rest)))
    assert verdicts(alone)["output tokens/s"] == Verdict.BETTER
    assert verdicts(among_many)["output tokens/s"] == Verdict.NOISE


def test_one_run_alone_has_a_sweet_spot_and_nothing_to_compare() -> None:
    comparison = compare(runs(report()))
    assert comparison.matches == ()
    assert comparison.sweet_spots[0].load is not None
