"""The contract of the live channel, held against the simulator."""

from collections.abc import Iterator

import pytest

from e2e.contract.client import Engine
from e2e.contract.live_channel import FIRST, Channel, LiveChannelContract
from tests.simulator.http.server import serve, tiny_model

pytestmark = pytest.mark.watched


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    folder, file = tiny_model(tmp_path_factory.mktemp("model")), tmp_path_factory.mktemp("limits") / "limits"
    file.write_text(FIRST)
    arguments = ("--served-model-name=tiny", "--max-model-len=512", "--max-num-seqs=16")
    with serve(
        str(folder), *arguments, "--max-num-batched-tokens=1024", SETPOINT_LIMITS_ANNOTATION_FILE=str(file)
    ) as server:
        server.wait_until_healthy()

        def write(text: str) -> None:
            file.write_text(text)

        yield Channel(Engine(server.url, "tiny", ""), write)


class TestSimulator(LiveChannelContract):
    """What the channel must do."""
