"""Virtual engines under whoever steers them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.virtual.load import Phase
from benchmarks.virtual.run import run
from benchmarks.virtual.services import CHAT, objectives, service
from benchmarks.virtual.steering import Told
from setpoint.tuner.limits_file import rendered
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Observation
from setpoint_vllm.limits_file import Limit


@dataclass
class FromThirtySeconds:
    """Wants 512 tokens from then on, and remembers what it saw."""

    objectives: Sequence[Objective] = objectives(0.03, 1.0)
    seen: list[Observation] = field(default_factory=list)

    def look(self, observation: Observation) -> Told:
        self.seen.append(observation)
        moved = {Limit.TOKENS: 512, Limit.SEQS: 512} if observation.now_seconds >= 30 else {}
        return Told(rendered(1, "test", moved, self.objectives, expires_seconds=None))


def test_what_was_wanted_is_told_with_its_time() -> None:
    steered = run(service(), [Phase(40, 5)], CHAT, FromThirtySeconds(), seed=1)
    times, limits = zip(*steered.wanted, strict=True)
    assert times == (0.0, 30.0)
    assert [each[Limit.TOKENS] for each in limits] == [8192, 512]
    assert not steered.decisions


def test_a_replica_is_read_from_its_start_on() -> None:
    steering = FromThirtySeconds()
    run(service(replicas=2), [Phase(40, 5)], CHAT, steering, seed=1, ready_seconds=(0, 20))
    numbers = {each.now_seconds: len(each.readings) for each in steering.seen}
    assert (numbers[15.0], numbers[20.0]) == (1, 2)
    assert not any(each.missing for each in steering.seen)
