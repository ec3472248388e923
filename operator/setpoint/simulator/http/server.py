"""All parts of one server, put together: one API server over one engine rank."""

import asyncio
import math
import time
from dataclasses import replace
from random import Random

from aiohttp import web

from setpoint.simulator.engine import Engine
from setpoint.simulator.http.admission import Admission
from setpoint.simulator.http.api import Api
from setpoint.simulator.http.command_line import Arguments
from setpoint.simulator.http.completions import Completions, Model
from setpoint.simulator.http.fault_control import FaultControl, Pace
from setpoint.simulator.http.http_metrics import HttpMetrics
from setpoint.simulator.http.live_limits import LiveLimits, Values
from setpoint.simulator.http.load import Loaded
from setpoint.simulator.http.metrics import Metrics
from setpoint.simulator.http.realtime import Clock, RealTimeReplica
from setpoint.simulator.http.recorder import Recorder
from setpoint.simulator.http.scrape import Scrape
from setpoint.simulator.http.series import Registry
from setpoint.simulator.http.settings import Settings
from setpoint.simulator.http.verdicts import Verdicts
from setpoint.simulator.limits import Limits
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.replica import Replica
from setpoint_vllm.limits_file import Limit


class Server:
    """The running parts, and what has to be done in the background."""

    def __init__(self, arguments: Arguments, settings: Settings, loaded: Loaded) -> None:
        registry = Registry()
        metrics = Metrics(registry, arguments.served_names[0], loaded.config.max_model_len)
        metrics.tell_cache_config(loaded.cache_config)
        verdicts = Verdicts(registry)
        pace = Pace(loaded.step_seconds, settings.time_scale)
        engine = Engine(loaded.config, pace)
        replica = Replica(engine, scaled(loaded.parameters, settings.time_scale))
        recorder = Recorder(engine.scheduler, metrics, verdicts)
        scrape = Scrape(registry, recorder.refresh)
        model = Model(
            names=arguments.served_names,
            root=arguments.model,
            max_model_len=loaded.config.max_model_len,
            block_size=loaded.config.block_size,
            answer_tokens=settings.answer_tokens,
        )
        self.replica = RealTimeReplica(replica, Clock(), recorder)
        self._live = LiveLimits(
            [path for path in (settings.limits_file, settings.limits_annotation_file) if path],
            _start_values(arguments, loaded),
            self._apply,
            registry,
            verdicts,
            time.time,
        )
        admission = Admission(
            self.replica, self._live, metrics, arguments.max_num_queued_reqs, arguments.max_num_queued_tokens
        )
        self.completions = Completions(model, self.replica, admission, verdicts, Random(settings.seed))
        api = Api(model, arguments.api_keys, self.completions, scrape, HttpMetrics(registry), self._is_dead)
        self.application: web.Application = api.application()
        self.faults = FaultControl(pace, self._hang, scrape, registry)
        self._faults_file = settings.faults_file
        self.faults.apply(settings.faults)
        if self._faults_file:
            self.faults.look(self._faults_file)
        self._live.look()

    async def run(self) -> None:
        """Run the engine, and follow the files that steer it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.replica.run())
            group.create_task(self._live.follow())
            if self._faults_file:
                group.create_task(self.faults.follow(self._faults_file))

    def _is_dead(self) -> bool:
        return self.replica.dead

    def _hang(self, hung: bool) -> None:
        self.replica.admit_nothing(hung)
        self._live.look()

    def _apply(self, values: Values) -> Values:
        """Let the engine keep to `values`; the queue limits among them are kept at the door."""
        long_prefill = values[Limit.LONG_PREFILL]
        limits = self.replica.set_limits(
            Limits(
                max_num_active_seqs=int(values[Limit.SEQS]),
                max_num_scheduled_tokens=int(values[Limit.TOKENS]),
                long_prefill_token_threshold=0 if math.isinf(long_prefill) else int(long_prefill),
            )
        )
        return {
            **values,
            Limit.SEQS: limits.max_num_active_seqs,
            Limit.TOKENS: limits.max_num_scheduled_tokens,
        }


def scaled(parameters: Parameters, time_scale: float) -> Parameters:
    """The API server's share of the time, at the same scale as the steps."""
    return replace(
        parameters,
        request_seconds=parameters.request_seconds * time_scale,
        prompt_token_seconds=parameters.prompt_token_seconds * time_scale,
        output_token_seconds=parameters.output_token_seconds * time_scale,
    )


def _start_values(arguments: Arguments, loaded: Loaded) -> dict[Limit, float]:
    return {
        Limit.SEQS: loaded.max_num_active_seqs,
        Limit.TOKENS: loaded.config.max_num_batched_tokens,
        Limit.LONG_PREFILL: arguments.long_prefill_token_threshold or math.inf,
        # vLLM's own queue limits refuse in their own way (see admission): these are not looser, so none here.
        Limit.QUEUED_REQS: math.inf,
        Limit.QUEUED_TOKENS: math.inf,
    }
