import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.simulator.measured import Arrivals
from setpoint.simulator.redraw import DrawnLoad, client_lengths, drawn_loads


def as_the_load_program_draws(client: int, mean_prompt: int, mean_output: int) -> list[tuple[int, int]]:
    random = Random(client)
    lengths = []
    for _ in range(8):
        prompt = max(1, int(random.uniform(0.5, 1.5) * mean_prompt))
        for _ in range(prompt):
            random.randrange(3, 32000)
        lengths.append((prompt, max(1, int(random.uniform(0.5, 1.5) * mean_output))))
    return lengths


@settings(max_examples=20)
@given(st.integers(0, 600), st.integers(1, 700), st.integers(1, 300))
def test_a_client_sends_what_it_sent_when_it_was_measured(client: int, prompt: int, output: int) -> None:
    drawn = client_lengths(client, prompt, output)
    assert [drawn[number] for number in range(8)] == as_the_load_program_draws(client, prompt, output)


def test_arrivals_ascend_and_offer_exactly_the_rate() -> None:
    requests = DrawnLoad("chat", 512, 128).requests(40.0, 20.0, seed=1, span=1)
    offsets = [offset for offset, _, _ in requests]
    assert len(offsets) == 800
    assert all(before <= after for before, after in itertools.pairwise([0.0, *offsets, 20.0]))


@pytest.mark.parametrize("plan_name", ["chat", "W1", "W2"])
def test_the_load_is_found_that_gives_the_mean_lengths_of_the_rows(plan_name: str) -> None:
    loads = []
    for rate, seed in ((20.0, 1), (46.0, 2), (12.0, 3)):
        drawn = DrawnLoad(plan_name, 3072, 128).requests(rate, 8.0, seed, 1)
        prompt = sum(length for _, length, _ in drawn) / len(drawn)
        output = sum(length for _, _, length in drawn) / len(drawn)
        loads.append(Arrivals("chat", rate, seed, 8.0, True, round(prompt, 1), round(output, 1)))
    found = drawn_loads(tuple(loads))["chat"]
    assert found.name == plan_name
    assert found.mean_prompt_tokens == pytest.approx(3072, abs=1)
    assert found.mean_output_tokens == pytest.approx(128, abs=1)
