"""The loads, and the same loads in virtual time: what clients would see of a server that is never late."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.simulator_http.clients import lengths
from setpoint.simulator.engine import Engine
from setpoint.simulator.http import command_line
from setpoint.simulator.http.fault_control import Pace
from setpoint.simulator.http.load import load as load_model
from setpoint.simulator.http.server import scaled
from setpoint.simulator.http.settings import Settings
from setpoint.simulator.parameters import Parameters, built_in
from setpoint.simulator.play import Play, Sent
from setpoint.simulator.record import Figures
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request

CONFIG = Path(__file__).parents[1] / "data/h100-llama8b-config.json"
H100 = built_in("H100")


@dataclass(frozen=True)
class Load:
    """So many clients in a closed loop, and how the simulator is set."""

    name: str
    clients: int
    prompt_tokens: int
    output_tokens: int
    options: tuple[str, ...] = ()
    time_scale: float = 1.0
    parameters: Parameters = H100

    @contextmanager
    def placed(self) -> Iterator[tuple[list[str], dict[str, str]]]:
        """The command line and the environment of the simulator, with its files in a temporary folder."""
        with TemporaryDirectory() as folder:
            Path(folder, "config.json").write_bytes(CONFIG.read_bytes())
            parameters = Path(folder, "parameters.json")
            parameters.write_text(json.dumps({"gpu": "H100", "parameters": asdict(self.parameters)}))
            yield (
                ["serve", folder, "--served-model-name=m", *self.options],
                {
                    "SETPOINT_SIMULATOR_START_SECONDS": "0",
                    "SETPOINT_SIMULATOR_TIME_SCALE": str(self.time_scale),
                    "SETPOINT_SIMULATOR_PARAMS": str(parameters),
                },
            )


LOADS = (
    Load(
        "500 streams of 20 tokens a second", 500, 64, 400, time_scale=1.77,
        # Their 10,000 tokens a second are near what one API server of vLLM can hand out: this one is free.
        parameters=replace(
            H100, request_seconds=0.0, prompt_token_seconds=0.0, output_token_seconds=0.0
        ),
    ),
    Load(
        # Fewer than 200 clients: beyond, this engine falls into one of two regimes, by chance.
        "160 clients of a busy H100", 160, 512, 128,
        ("--max-num-seqs=256", "--max-num-batched-tokens=2048", "--no-enable-prefix-caching"),
    ),
)  # fmt: skip


async def in_virtual_time(load: Load, start: float, end: float) -> Figures:
    """What the clients of a load see in a window, without network and without lateness."""
    with load.placed() as (command, environment):
        arguments, settings = command_line.parse(command, {}), Settings.from_environment(environment)
        loaded = await load_model(arguments, settings)
    engine = Engine(loaded.config, Pace(loaded.step_seconds, load.time_scale))
    drawn = [lengths(number, load.prompt_tokens, load.output_tokens) for number in range(load.clients)]
    clients: dict[Request, int] = {}

    def send(client: int, now: float) -> Sent:
        request = Request(*next(drawn[client]))
        clients[request] = client
        return now, request

    play = Play(
        [Replica(engine, scaled(loaded.parameters, load.time_scale))],
        network_seconds=0.0,
        next_of=lambda request, now: send(clients.pop(request), now),
    )
    play.send([send(client, 0.0) for client in range(load.clients)])
    play.run_until(end)
    return play.record.figures(start, end)
