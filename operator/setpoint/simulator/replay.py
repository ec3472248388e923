"""A measured sweep played again: the same requests, limits and windows, in virtual time.

One engine start with ceilings above every row, prefix cache off, limits moved live, as was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.simulator.engine import Engine
from setpoint.simulator.gpus import Gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.measured import ClosedLoop, OpenLoop, Row, Table
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.play import Play, Sent
from setpoint.simulator.record import Figures, Quantiles
from setpoint.simulator.redraw import client_lengths, drawn_loads
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.steptime import StepTime
from setpoint.workload.quantiles import quantile

CEILING_SEQS, CEILING_TOKENS = 512, 16_384
"""What the engines of the tables were started with."""
BEGINNING_SECONDS = 8.0
"""A closed loop runs so long at the last row's limits before the first row."""
CELL_SECONDS, DROPPED_SHARE = 9.0, 0.4
"""A closed-loop row lasts so long, and its first part is not counted."""
SETTLE_EMPTY_SECONDS, SETTLE_SECONDS = 6.0, 3.0
"""An open-loop row's load before its window, from an empty engine and on from the row before. The tables do
not tell: a guess, with which about as many requests are left at the end of most rows as were."""
AFTERWARDS_SECONDS = 2.4
"""An open-loop row's load goes on so long after its window, or until the next row begins."""
CLOSE_SECONDS, LOOK_SECONDS, LEAD_SECONDS = 2.05, 0.1, 0.12
"""An open-loop row closes when all requests of its window have a first token, looked at in this interval, at
most so long after it; the next begins a moment later."""
NOTHING = Quantiles(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Machine:
    """What steps are timed for."""

    gpu: Gpu
    shape: ModelShape

    def check_starts(self, tables: Sequence[Table]) -> None:
        """Raise ValueError when the model does not fit, or the requests of a table do not fit the model."""
        for table in tables:
            config = self.config(table.rows)
            for prompt, output in table.mean_tokens:
                longest = Request(int(1.5 * prompt), int(1.5 * output))
                config.check_fits(longest)

    def config(self, rows: Sequence[Row]) -> EngineConfig:
        """Return what the engine of a table was started with: ceilings above all its rows."""
        tokens = max(CEILING_TOKENS, *(row.max_num_batched_tokens for row in rows))
        return EngineConfig(
            kv_blocks=kv_cache_blocks(self.shape, self.gpu, tokens),
            max_model_len=self.shape.context_tokens,
            max_num_seqs=max(CEILING_SEQS, *(row.max_num_seqs for row in rows)),
            max_num_batched_tokens=tokens,
            enable_prefix_caching=False,
        )

    def replica(self, rows: Sequence[Row], parameters: Parameters) -> Replica:
        """Return the engine of a table, just started."""
        config = self.config(rows)
        step_seconds = StepTime(parameters, self.gpu, self.shape, config.max_num_seqs)
        return Replica(Engine(config, step_seconds), parameters)


def replay(table: Table, machine: Machine, parameters: Parameters) -> list[dict[str, float]]:
    """Return, for each row of a table, what would have been measured."""
    if isinstance(table, ClosedLoop):
        return replay_closed_loop(table, machine, parameters)
    return _open_loop(table, machine, parameters)


def replay_closed_loop(
    table: ClosedLoop, machine: Machine, parameters: Parameters, cell_seconds: float = CELL_SECONDS
) -> list[dict[str, float]]:
    """Return, for each row of a sweep that stays so long at a row, what would have been measured."""
    sent_by: dict[Request, int] = {}
    numbers = [0] * table.clients

    def send(client: int, now: float) -> Sent:
        lengths = client_lengths(client, table.mean_prompt_tokens, table.mean_output_tokens)
        request = Request(*lengths[numbers[client]])
        numbers[client] += 1
        sent_by[request] = client
        return now, request

    def next_of(request: Request, now: float) -> Sent:
        return send(sent_by.pop(request), now)

    replica = machine.replica(table.rows, parameters)
    play = Play([replica], parameters.network_seconds, next_of=next_of)
    _move(replica, table.rows[-1])
    play.send(send(client, 0.0) for client in range(table.clients))
    end = BEGINNING_SECONDS
    simulated = []
    for row in table.rows:
        play.run_until(end)
        _move(replica, row)
        start = end + DROPPED_SHARE * cell_seconds
        end += cell_seconds
        play.run_until(end)
        simulated.append(by_name(play.record.figures(start, end)))
    return simulated


def _open_loop(table: OpenLoop, machine: Machine, parameters: Parameters) -> list[dict[str, float]]:
    simulated = []
    play, replica, now = None, None, 0.0
    for row, load in zip(table.rows, table.loads, strict=True):
        settle = SETTLE_SECONDS
        if load.from_empty or play is None or replica is None:
            replica = machine.replica(table.rows, parameters)
            play, now, settle = Play([replica], parameters.network_seconds), 0.0, SETTLE_EMPTY_SECONDS
        play.forget_unsent()
        _move(replica, row)
        drawn = drawn_loads(table.loads)[load.workload]
        begin = now + LEAD_SECONDS
        sent: list[list[Request]] = []
        for span, seconds in enumerate((settle, load.window_seconds, AFTERWARDS_SECONDS)):
            drawing = drawn.requests(load.rate_per_second, seconds, load.seed, span)
            requests = [(begin + offset, Request(prompt, output)) for offset, prompt, output in drawing]
            play.send(requests)
            sent.append([request for _, request in requests])
            begin += seconds
        end = begin - AFTERWARDS_SECONDS
        figures, now = _window(play, end - load.window_seconds, end, sent[1])
        simulated.append(figures)
    return simulated


def _window(play: Play, start: float, end: float, sent: list[Request]) -> tuple[dict[str, float], float]:
    """Return the figures of a window, TTFT of the requests sent in it, and when the row closed."""
    play.run_until(end)
    figures = by_name(play.record.figures(start, end))
    now = end
    while now < end + CLOSE_SECONDS:
        now += LOOK_SECONDS
        play.run_until(now)
        if all(request.ttft_seconds for request in sent):
            break
    ttft = sorted(request.ttft_seconds or now - request.sent_seconds for request in sent)
    return figures | {"ttft_p50": quantile(ttft, 0.5), "ttft_p95": quantile(ttft, 0.95)}, now


def _move(replica: Replica, row: Row) -> None:
    replica.engine.set_limits(Limits(row.max_num_seqs, row.max_num_batched_tokens))


def by_name(figures: Figures) -> dict[str, float]:
    """Return figures by the names of the tables; 0 where nothing was seen."""
    ttft, itl = figures.ttft or NOTHING, figures.itl or NOTHING
    return {
        "tok_s": figures.tok_s,
        "ttft_p50": ttft.p50,
        "ttft_p95": ttft.p95,
        "itl_p50": itl.p50,
        "itl_p95": itl.p95,
        "itl_p99": itl.p99,
    }
