from itertools import islice, pairwise, takewhile

import pytest

from setpoint.loadgen.plan import ClosedPlan, OpenPlan, ReplayPlan, Request
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform

SHAPE = Shape(Uniform(10, 20), Uniform(1, 5))


def an_open_plan(seed: str = "1", duration: float = 10.0) -> OpenPlan:
    return OpenPlan(parse_arrivals("poisson"), 5.0, duration, SHAPE, seed)


def test_the_same_seed_gives_the_same_load() -> None:
    first, second, other = (list(islice(an_open_plan(seed).requests(), 100)) for seed in ("1", "1", "2"))
    assert first == second != other


def test_an_open_loop_goes_on_at_its_rate_beyond_the_duration() -> None:
    requests = list(takewhile(lambda request: request.scheduled < 1000, an_open_plan().requests()))
    assert len(requests) / 1000 == pytest.approx(5, rel=0.1)
    assert [request.number for request in requests] == list(range(len(requests)))
    assert all(former.scheduled <= later.scheduled for former, later in pairwise(requests))


def test_lengths_do_not_depend_on_the_pattern_of_arrivals() -> None:
    constant = OpenPlan(parse_arrivals("constant"), 5.0, 10.0, SHAPE, "1")
    lengths = [
        [(each.prompt_tokens, each.output_tokens) for each in islice(plan.requests(), 50)]
        for plan in (constant, an_open_plan())
    ]
    assert lengths[0] == lengths[1]


def test_clients_differ_and_no_two_requests_share_a_number() -> None:
    plan = ClosedPlan(3, SHAPE, "1")
    by_client = [list(islice(plan.requests(client), 20)) for client in range(3)]
    assert len({request.number for requests in by_client for request in requests}) == 60
    assert len({tuple(request.prompt_tokens for request in requests) for requests in by_client}) == 3


def test_a_replay_sends_the_trace_as_it_is() -> None:
    trace = (Request(0, 5, 6, 0.0), Request(1, 7, 8, 0.5))
    assert tuple(ReplayPlan(trace).requests()) == trace
