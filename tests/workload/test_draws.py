from itertools import islice

from setpoint.loadgen.plan import ClosedPlan, OpenPlan
from setpoint.workload.arrivals import Burst
from setpoint.workload.draws import Shape, client, open_loop
from setpoint.workload.lengths import Uniform

SHAPE = Shape(Uniform(10, 99), Uniform(1, 50))


def test_a_load_test_sends_what_is_drawn() -> None:
    plan = OpenPlan(Burst(), 20.0, 10.0, SHAPE, "1/20")
    sent = [(each.scheduled, each.prompt_tokens, each.output_tokens) for each in islice(plan.requests(), 300)]
    assert sent == list(islice(open_loop(SHAPE, Burst(), 20.0, 10.0, "1/20"), 300))
    closed = islice(ClosedPlan(3, SHAPE, "1/3").requests(2), 50)
    lengths = [(each.prompt_tokens, each.output_tokens) for each in closed]
    assert lengths == list(islice(client(SHAPE, 2, "1/3"), 50))


def test_a_client_draws_by_itself() -> None:
    assert list(islice(client(SHAPE, 0, 1), 20)) != list(islice(client(SHAPE, 1, 1), 20))
