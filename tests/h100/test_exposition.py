"""What /metrics tells the benchmark of the limits in force."""

from benchmarks.h100.exposition import in_force, parse, totals

TWO_RANKS = """\
# TYPE setpoint_engine_limit gauge
setpoint_engine_limit{engine="0",limit="seqs"} 256.0
setpoint_engine_limit{engine="0",limit="longPrefill"} +Inf
setpoint_engine_limit{engine="1",limit="seqs"} 256.0
# TYPE setpoint_engine_limit_generation gauge
setpoint_engine_limit_generation{engine="0",writer=""} 0.0
setpoint_engine_limit_generation{engine="0",writer="benchmark"} 7.0
setpoint_engine_limit_generation{engine="1",writer="benchmark"} 6.0
# TYPE vllm:generation_tokens counter
vllm:generation_tokens_total{engine="0"} 3.0
vllm:generation_tokens_total{engine="1"} 4.0
"""


def test_the_limits_are_told_by_rank() -> None:
    found = in_force(parse(TWO_RANKS))
    assert found.ranks == {"0": {"seqs": 256, "longPrefill": None}, "1": {"seqs": 256}}


def test_a_generation_is_in_force_when_the_last_rank_has_it() -> None:
    assert in_force(parse(TWO_RANKS)).generation == 6


def test_a_limit_holds_only_where_every_rank_has_it() -> None:
    found = in_force(parse(TWO_RANKS))
    assert found.holds("seqs", 256)
    assert not found.holds("seqs", 255)
    assert not in_force(parse("")).holds("seqs", 256)
    assert not in_force(
        parse(TWO_RANKS.replace('engine="1",limit="seqs"} 256', 'engine="1",limit="seqs"} 9'))
    ).holds("seqs", 256)


def test_totals_are_over_all_ranks() -> None:
    assert totals(parse(TWO_RANKS), ["generation_tokens_total", "nothing"]) == {"generation_tokens_total": 7}
