from dataclasses import replace
from typing import Any

import pytest

from setpoint.simulator.experiment import ClosedLoop, OpenLoop, Requests, Service, run
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.parameters import built_in
from setpoint.simulator.record import Record
from setpoint.simulator.router import round_robin
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform
from tests.simulator.builders import machine

CHAT = Requests(Shape(Uniform(256, 768), Uniform(64, 192)))


def service(**changed: int) -> Service:
    on, parameters = machine(), built_in("H100")
    start: dict[str, Any] = {"kv_blocks": 29_000, "max_model_len": 32_768}
    config = EngineConfig(**start | changed)
    step_seconds = StepTime(parameters, on.gpu, on.shape, config.max_num_seqs)
    return Service(config, Limits.of(config), step_seconds, parameters, round_robin())


def closed(clients: int, seconds: float = 60.0, requests: Requests = CHAT, **changed: int) -> Record:
    return run(service(**changed), ClosedLoop(clients), requests, seconds, seed=1).record


def test_a_closed_loop_keeps_as_many_requests_as_clients() -> None:
    record = closed(40)
    assert max(number for _, _, number in record.gaps) <= 40
    sustained = record.figures(15.0, 60.0)
    assert sustained.e2e is not None
    # Little's law: requests in flight are their rate times the time each takes.
    mean = sum(answer.e2e_seconds for answer in record.answers) / len(record.answers)
    assert sustained.req_s * mean == pytest.approx(40, rel=0.05)


def test_an_open_loop_below_capacity_serves_what_comes() -> None:
    load = OpenLoop(20.0, parse_arrivals("poisson"))
    figures = run(service(), load, CHAT, 200.0, seed=1).record.figures(50.0, 200.0)
    assert figures.req_s == pytest.approx(20.0, rel=0.05)
    assert figures.tok_s == pytest.approx(20 * 128, rel=0.06)


def test_the_same_seed_plays_the_same_again() -> None:
    assert closed(8).first_tokens == closed(8).first_tokens
    assert run(service(), ClosedLoop(8), CHAT, 60.0, seed=2).record.first_tokens != closed(8).first_tokens


def test_a_larger_token_budget_trades_inter_token_latency_for_first_tokens() -> None:
    small, large = (closed(256, max_num_batched_tokens=tokens).figures(15.0, 60.0) for tokens in (512, 2048))
    assert small.itl and large.itl and small.ttft and large.ttft  # noqa: PT018
    assert large.itl.p95 > 2 * small.itl.p95
    assert large.ttft.p95 < small.ttft.p95 / 2
    assert large.tok_s == pytest.approx(small.tok_s, rel=0.1)


def test_a_full_kv_cache_preempts_and_everything_still_ends() -> None:
    long = Requests(Shape(Uniform(1000, 1000), Uniform(400, 400)))
    record = closed(64, 120.0, long, kv_blocks=2100)
    assert record.figures(30.0, 120.0).req_s > 0
    assert max(number for _, _, number in record.gaps) < 40  # 2,100 blocks hold some 30 requests


def test_a_shared_prefix_saves_prefill() -> None:
    fresh = closed(256, max_num_batched_tokens=512).figures(15.0, 60.0)
    shared = closed(256, 60.0, replace(CHAT, shared_prefix=0.9), max_num_batched_tokens=512)
    assert shared.figures(15.0, 60.0).tok_s > 1.1 * fresh.tok_s


def test_replicas_share_the_load() -> None:
    one = service()
    load = OpenLoop(80.0, parse_arrivals("poisson"))
    overloaded = run(one, load, CHAT, 60.0, seed=1).record.figures(15.0, 60.0)
    shared = run(replace(one, replicas=2), load, CHAT, 60.0, seed=1).record.figures(15.0, 60.0)
    assert shared.ttft and overloaded.ttft  # noqa: PT018
    assert shared.ttft.p95 < overloaded.ttft.p95 / 5
    assert shared.req_s == pytest.approx(80, rel=0.08)
