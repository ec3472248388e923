"""A handful of virtual engines in real time, whose series every service shows as its own."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import web

from benchmarks.virtual.engine import VirtualEngine
from benchmarks.virtual.load import Phase, sent
from benchmarks.virtual.services import CHAT, objectives, service
from benchmarks.virtual.verdicts import Verdicts
from setpoint.simulator.limits import Limits
from setpoint.simulator.play import Play
from setpoint.simulator.replica import Replica
from setpoint_vllm.limits_file import Limit, LimitsFile
from setpoint_vllm.step_times import SIZES, TOTALS

ITL_SECONDS, TTFT_SECONDS = 0.05, 2.0
"""What every service promises of 95 % of its gaps between tokens, and of its times to the first one."""
KEPT_RATES_PER_SECOND = tuple(map(float, range(4, 24)))
OVERLOAD_PER_SECOND = 60.0
LOAD_SECONDS = 10.0
"""Requests are drawn for so long at once."""
START = {Limit.TOKENS: 8192, Limit.SEQS: 1024}


class RunningEngine:
    """One virtual engine, and the clients that load it."""

    def __init__(self, rate_per_second: float, seed: int) -> None:
        """Nothing happens before the first `advance`."""
        simulated = service(sequences=START[Limit.SEQS], tokens=START[Limit.TOKENS])
        self.rate_per_second = rate_per_second
        self._virtual = VirtualEngine(simulated)
        parameters = simulated.parameters
        self._play = Play([Replica(self._virtual.engine, parameters)], parameters.network_seconds)
        self._verdicts = Verdicts(objectives(ITL_SECONDS, TTFT_SECONDS))
        self._block_size = simulated.config.block_size
        self._seed = seed
        self._loaded_seconds = 0.0

    def advance(self, now_seconds: float) -> None:
        """Let everything happen until so long after its start."""
        while self._loaded_seconds < now_seconds:
            phase = Phase(LOAD_SECONDS, self.rate_per_second)
            seed = self._seed + int(self._loaded_seconds)
            drawn = sent([phase], CHAT, seed, self._block_size)
            self._play.send([(self._loaded_seconds + at, request) for at, request in drawn])
            self._loaded_seconds += LOAD_SECONDS
        self._play.run_until(now_seconds)
        self._verdicts.follow(self._play.record)

    def keep_to(self, told: LimitsFile) -> None:
        """Put the limits of a file into force."""
        wanted = told.wanted(time.time())
        self._virtual.engine.set_limits(
            Limits(
                wanted.get(Limit.SEQS, START[Limit.SEQS]),
                wanted.get(Limit.TOKENS, START[Limit.TOKENS]),
                max_num_queued_tokens=wanted.get(Limit.QUEUED_TOKENS),
            )
        )

    def exposition(self) -> str:
        """Return the lines that are the same for all who show this engine."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        virtual, verdicts = self._virtual, self._verdicts
        scheduler = virtual.engine.scheduler
        values = {
            "num_requests_running": len(scheduler.running),
            "num_requests_waiting": len(scheduler.waiting),
            "kv_cache_usage_perc": 1 - scheduler.blocks.free / scheduler.blocks.total,
            "prompt_tokens_total": virtual.prompt_tokens,
            "generation_tokens_total": virtual.generation_tokens,
            "num_preemptions_total": scheduler.preemptions,
        }
        labels = 'engine="0",model_name="meta-llama/Llama-3.1-8B"'
        for name, value in values.items():
            yield f"vllm:{name}{{{labels}}} {float(value)}"
        for size, row in zip(SIZES, virtual.by_size.rows, strict=True):
            for total, value in zip(TOTALS, row, strict=True):
                yield f'setpoint_engine_step_totals{{engine="0",up_to="{size}",total="{total}"}} {value}'
        requests = (
            ("good", "", verdicts.good),
            ("bad", "late", verdicts.late),
            ("bad", "shed", len(self._play.record.shed)),
            ("bad", "failed", 0.0),
            ("cut", "", 0.0),
        )
        for verdict, reason, count in requests:
            yield f'setpoint_requests_total{{verdict="{verdict}",reason="{reason}"}} {float(count)}'
        for name, judged in verdicts.judged.items():
            for verdict, number in (("good", judged.good), ("bad", judged.bad)):
                yield f'setpoint_tokens_total{{objective="{name}",verdict="{verdict}"}} {float(number)}'
        yield "setpoint_engine_limits_supported 1.0"


def told_lines(told: LimitsFile) -> str:
    """Return the lines with which an engine shows what it keeps to."""
    now = time.time()
    in_force = START | dict(told.wanted(now))
    lines = [
        f'{metric}{{engine="0",limit="{limit.value}"}} {float(value)}'
        for metric, values in (("setpoint_engine_limit", in_force), ("setpoint_engine_limit_start", START))
        for limit, value in values.items()
    ]
    lines.append(
        f'setpoint_engine_limit_generation{{engine="0",writer="{told.writer}"}} {float(told.generation)}'
    )
    lines.append(f'setpoint_engine_limit_confirmed_timestamp_seconds{{engine="0"}} {now}')
    return "".join(f"{line}\n" for line in lines)


@dataclass
class Engines:
    """All engines behind one HTTP server: `/NUMBER/metrics` is that of one service."""

    services: int
    broken: int
    """How many services, the first ones, will break their promise."""
    told: dict[int, LimitsFile] = field(default_factory=dict)
    """What each service's engine was told last."""
    port: int = 0

    def __post_init__(self) -> None:
        rates = (KEPT_RATES_PER_SECOND[0], *KEPT_RATES_PER_SECOND)
        self._engines = [RunningEngine(rate, 1_000_000 * number) for number, rate in enumerate(rates)]
        self._texts = [""] * len(rates)

    def overload(self) -> None:
        """Load the engine of the first services with more than it can serve."""
        self._engines[0].rate_per_second = OVERLOAD_PER_SECOND

    async def run(self, ready: asyncio.Event) -> None:
        """Serve until cancelled."""
        application = web.Application()
        application.router.add_get("/{number}/metrics", self._metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        began = time.monotonic()
        try:
            while True:
                if 0 in self.told:
                    self._engines[0].keep_to(self.told[0])
                for number, engine in enumerate(self._engines):
                    engine.advance(time.monotonic() - began)
                    self._texts[number] = engine.exposition()
                    await asyncio.sleep(0)
                ready.set()
                await asyncio.sleep(1)
        finally:
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        told = self.told.get(number)
        if told is None:
            raise web.HTTPServiceUnavailable
        kept = 1 + number % len(KEPT_RATES_PER_SECOND)
        text = self._texts[0 if number < self.broken else kept]
        return web.Response(text=text + told_lines(told), content_type="text/plain")
