"""What is known of a step before it is scheduled."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.governor.steps import Ahead, ahead
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.request import Request
from setpoint.simulator.scheduler import Scheduler


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 40)), min_size=1, max_size=30))
def test_says_of_the_next_step_who_decodes_and_what_the_first_prompt_adds(
    lengths: list[tuple[int, int]],
) -> None:
    scheduler = Scheduler(EngineConfig(kv_blocks=10_000, max_model_len=1024))
    scheduler.limits = Limits(256, 400)
    for prompt, output in lengths:
        scheduler.add(Request(prompt, output), 0.0)
    step = scheduler.schedule(0.0)
    while step:
        known = ahead(scheduler, step)
        scheduler.complete(0.0)
        step = scheduler.schedule(0.0)
        if step:
            assert known.decoding == step.decoding
            assert known.decoding_context_tokens == step.decoding_context_tokens
            if step.prefill_tokens and step.prefill_tokens <= known.first_remaining_tokens:
                assert known.step(step.tokens).attention_pairs == step.attention_pairs


@given(
    st.integers(0, 500),
    st.integers(0, 4000),
    st.integers(0, 4000),
    st.integers(1, 4000),
    st.integers(1, 9000),
)
def test_a_step_ahead_has_the_tokens_that_were_asked_for(
    decoding: int, computed: int, remaining: int, fresh: int, tokens: int
) -> None:
    step = Ahead(decoding, 1000, computed, remaining, fresh).step(tokens)
    assert step.tokens == max(tokens, decoding + 1)
    assert step.prefill_context_tokens >= step.prefill_tokens


def test_pairs_of_whole_prompts_and_a_part_are_counted_one_by_one() -> None:
    step = Ahead(0, 0, first_computed_tokens=3, first_remaining_tokens=2, fresh_prompt_tokens=4).step(8)
    assert step.attention_pairs == (4 + 5) + (1 + 2 + 3 + 4) + (1 + 2)
    assert step.prefill_sequences == 3
