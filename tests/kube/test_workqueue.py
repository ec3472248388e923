import asyncio

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from setpoint.kube.workqueue import WorkQueue


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def queue_at(clock: Clock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, uniform=lambda _low, high: high)


def take_all(queue: WorkQueue[str]) -> list[str]:
    keys = []
    while (key := queue.get_nowait()) is not None:
        keys.append(key)
    return keys


def test_a_key_added_many_times_is_worked_once() -> None:
    queue = queue_at(Clock())
    for _ in range(100):
        queue.add("a")
    assert take_all(queue) == ["a"]


def test_keys_come_in_the_order_of_their_first_add() -> None:
    queue = queue_at(Clock())
    for key in ("b", "a", "b", "c"):
        queue.add(key)
    assert take_all(queue) == ["b", "a", "c"]


def test_a_key_added_while_processing_is_worked_again_after_done() -> None:
    queue = queue_at(Clock())
    queue.add("a")
    assert take_all(queue) == ["a"]
    queue.add("a")
    assert take_all(queue) == []
    queue.done("a")
    assert take_all(queue) == ["a"]
    queue.done("a")
    assert take_all(queue) == []


def test_a_delayed_key_is_worked_when_its_time_has_come() -> None:
    clock = Clock()
    queue = queue_at(clock)
    queue.add_after("a", 10)
    clock.now += 9.9
    assert take_all(queue) == []
    assert queue.seconds_to_next_delay() == pytest.approx(0.1)
    clock.now += 0.1
    assert take_all(queue) == ["a"]
    assert queue.seconds_to_next_delay() is None


@pytest.mark.parametrize("delays", [(5, 10), (10, 5)])
def test_the_sooner_of_two_delays_holds_and_the_later_is_dropped(delays: tuple[float, float]) -> None:
    clock = Clock()
    queue = queue_at(clock)
    for delay in delays:
        queue.add_after("a", delay)
    clock.now += 5
    assert take_all(queue) == ["a"]
    queue.done("a")
    clock.now += 100
    assert take_all(queue) == []


def test_retries_come_later_each_time_up_to_five_minutes_until_forgotten() -> None:
    clock = Clock()
    queue = queue_at(clock)
    waits = []
    for _ in range(13):
        queue.add_rate_limited("a")
        waits.append(queue.seconds_to_next_delay())
        clock.now += 300
        assert take_all(queue) == ["a"]
        queue.done("a")
    assert waits == pytest.approx([0.25 * 2**n for n in range(11)] + [300, 300])
    queue.forget("a")
    queue.add_rate_limited("a")
    assert queue.seconds_to_next_delay() == pytest.approx(0.25)


def test_retries_of_all_keys_together_are_bounded_in_rate() -> None:
    clock = Clock()
    queue = queue_at(clock)
    for number in range(300):
        queue.add_rate_limited(str(number))
    clock.now += 1
    assert len(take_all(queue)) == 110
    clock.now += 19
    assert len(take_all(queue)) == 190


def test_a_queue_is_idle_only_when_nothing_is_ready_or_worked() -> None:
    queue = queue_at(Clock())
    assert queue.idle
    queue.add("a")
    assert not queue.idle
    queue.get_nowait()
    assert not queue.idle
    queue.done("a")
    assert queue.idle


async def test_waiting_workers_get_one_key_each() -> None:
    queue: WorkQueue[str] = WorkQueue()
    workers = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.gather(*workers)) == ["a", "b"]


async def test_a_waiting_worker_wakes_for_a_delay_that_was_set_later_and_is_sooner() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("late", 3600)
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_after("soon", 0.01)
    async with asyncio.timeout(10):
        assert await worker == "soon"


KEYS = st.sampled_from("abc")


class WorkQueueMachine(RuleBasedStateMachine):
    """Whatever is done to the queue: no key is worked twice at a time, and no request for work is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = queue_at(self.clock)
        self.wanted: set[str] = set()
        self.due: dict[str, float] = {}
        self.worked: set[str] = set()

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.wanted.add(key)

    @rule(key=KEYS, seconds=st.integers(1, 5))
    def add_after(self, key: str, seconds: int) -> None:
        self.queue.add_after(key, seconds)
        self.due[key] = min(self.due.get(key, float("inf")), self.clock.now + seconds)

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def get(self) -> None:
        for key, due in list(self.due.items()):
            if due <= self.clock.now:
                self.wanted.add(key)
                del self.due[key]
        taken = self.queue.get_nowait()
        if taken is None:
            assert self.wanted <= self.worked
        else:
            assert taken in self.wanted
            assert taken not in self.worked
            self.wanted.remove(taken)
            self.worked.add(taken)

    @rule(key=KEYS)
    def done(self, key: str) -> None:
        if key in self.worked:
            self.queue.done(key)
            self.worked.remove(key)

    @invariant()
    def is_idle_only_without_work(self) -> None:
        if self.wanted or self.worked:
            assert not self.queue.idle


TestWorkQueue = WorkQueueMachine.TestCase
