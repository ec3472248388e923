"""Text reaches the engine as it was written, whatever the kubelet expands."""

from hypothesis import given
from hypothesis import strategies as st

from setpoint.engines.container import literal
from tests.engines.kubelet import expand

VARIABLES = {"HOME": "/home/engine", "VLLM_API_KEY": "secret", "": "empty"}
PARTS = st.sampled_from(
    ["$", "$$", "$(", "$(HOME)", "$(VLLM_API_KEY)", "$()", "(", ")", "HOME", "a", "\n", "'"]
)


@given(st.lists(PARTS | st.text()).map("".join))
def test_the_kubelet_passes_literal_text_on_unchanged(text: str) -> None:
    assert expand(literal(text), VARIABLES) == text


def test_the_kubelet_of_these_tests_expands() -> None:
    assert expand("a$(HOME)$$(HOME)$(NONE)$", VARIABLES) == "a/home/engine$(HOME)$(NONE)$"
