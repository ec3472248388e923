"""The contract, held against the simulator; or, with ENGINE_URL, ENGINE_MODEL and ENGINE_API_KEY set, against
any server, such as a real vLLM.
"""

import os
from collections.abc import Iterator

import pytest

from e2e.contract.client import Engine
from e2e.contract.vllm import VllmContract
from tests.simulator.http.server import serve, tiny_model


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if "ENGINE_URL" in os.environ:
        yield Engine(os.environ["ENGINE_URL"], os.environ["ENGINE_MODEL"], os.environ["ENGINE_API_KEY"])
        return
    folder = tiny_model(tmp_path_factory.mktemp("model"))
    arguments = (str(folder), "--served-model-name=tiny", "--max-model-len=512")
    with serve(*arguments, VLLM_API_KEY="sesame") as server:
        server.wait_until_healthy()
        yield Engine(server.url, "tiny", "sesame")


class TestSimulator(VllmContract):
    """What a running engine must do."""
