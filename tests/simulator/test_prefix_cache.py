from setpoint.simulator.engine import Engine
from setpoint.simulator.request import Request
from tests.simulator.builders import engine

KEYS = range(10)


def answer(running: Engine, request: Request) -> Request:
    running.submit(request, 0.0)
    while request.finished_seconds is None:
        running.advance()
    return request


def test_a_prefix_that_was_computed_before_is_found() -> None:
    running = engine()
    answer(running, Request(170, 4, KEYS))
    assert answer(running, Request(165, 4, KEYS)).cached_prompt_tokens == 160
    assert (running.scheduler.prefix_cache_queries, running.scheduler.prefix_cache_hits) == (335, 160)


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    running = engine()
    answer(running, Request(160, 4, KEYS))
    assert answer(running, Request(160, 4, KEYS)).cached_prompt_tokens == 144


def test_a_prefix_ends_with_the_first_block_that_differs() -> None:
    running = engine()
    answer(running, Request(170, 4, KEYS))
    assert answer(running, Request(170, 4, [*range(5), "other", *range(6, 10)])).cached_prompt_tokens == 80


def test_what_was_used_longest_ago_makes_room_from_its_end() -> None:
    running = engine(kv_blocks=20, max_model_len=320)
    answer(running, Request(100, 4, [f"old {block}" for block in range(6)]))
    answer(running, Request(100, 4, [f"new {block}" for block in range(6)]))
    answer(running, Request(150, 4))  # 10 blocks, of which 8 were never used
    assert answer(running, Request(100, 4, [f"new {block}" for block in range(6)])).cached_prompt_tokens == 96
    assert answer(running, Request(100, 4, [f"old {block}" for block in range(6)])).cached_prompt_tokens == 64


def test_an_answer_is_found_by_the_conversation_that_goes_on() -> None:
    running = engine()
    answer(running, Request(64, 65, range(8)))
    assert answer(running, Request(160, 4, range(10))).cached_prompt_tokens == 128


def test_nothing_is_found_with_the_cache_off() -> None:
    running = engine(enable_prefix_caching=False)
    answer(running, Request(170, 4, KEYS))
    assert answer(running, Request(170, 4, KEYS)).cached_prompt_tokens == 0


def test_a_preempted_request_finds_what_it_computed() -> None:
    running = engine(kv_blocks=20, max_model_len=320, enable_prefix_caching=True)
    first, second = Request(150, 100), Request(120, 30)
    running.submit(first, 0.0)
    running.submit(second, 0.0)
    while second.finished_seconds is None:
        running.advance()
    assert second.preemptions
    assert second.cached_prompt_tokens == 0  # of its first admission
