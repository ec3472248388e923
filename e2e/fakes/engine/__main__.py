"""`vllm serve`: load, serve, drain, stop."""

import asyncio
import json
import logging
import signal
import socket
import sys

from aiohttp import web

from e2e.fakes.engine import checks, command_line, model_files
from e2e.fakes.engine.api import Api
from e2e.fakes.engine.batch import Batch
from e2e.fakes.engine.behaviour import Behaviour
from e2e.fakes.engine.command_line import Arguments
from e2e.fakes.engine.metrics import Metrics

_log = logging.getLogger("fake-vllm")


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(asctime)s [%(name)s] %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    arguments = command_line.parse(sys.argv[1:])
    print(json.dumps({"argv": sys.argv[1:]}), flush=True)
    try:
        asyncio.run(_serve(arguments, Behaviour.from_environment()))
    except (OSError, ValueError) as error:
        _log.error("%s: %s", type(error).__name__, error)
        return 1
    return 0


async def _serve(arguments: Arguments, behaviour: Behaviour) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _bind(arguments.host, arguments.port) as listener:
        loading = asyncio.create_task(_load(arguments, behaviour))
        if not await _finished_before(stop, loading):
            return
        api, batch = loading.result()
        runner = web.AppRunner(
            api.application(), handler_cancellation=True, access_log=None, shutdown_timeout=1.0
        )
        await runner.setup()
        await web.SockSite(runner, listener).start()
        _log.info("Application startup complete.")
        await stop.wait()
        api.draining = True
        drained = asyncio.create_task(batch.drained())
        await asyncio.wait([drained], timeout=arguments.shutdown_timeout_seconds)
        batch.kill()
        await runner.cleanup()


def _bind(host: str, port: int) -> socket.socket:
    """The port, taken but not yet listening: until the model is loaded connections are refused, as vLLM's
    are.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


async def _load(arguments: Arguments, behaviour: Behaviour) -> tuple[Api, Batch]:
    folder = await asyncio.to_thread(model_files.locate, arguments.model, arguments.revision)
    config = model_files.read_config(folder)
    checks.check(arguments, config)
    await asyncio.sleep(behaviour.load_seconds)
    max_model_len = checks.max_model_len(arguments, config)
    metrics = Metrics(arguments.served_names[0], max_model_len)
    running = arguments.max_num_active_seqs or arguments.max_num_seqs
    batch = Batch(behaviour, metrics, running, arguments.max_num_queued_reqs)
    return Api(arguments, max_model_len, batch, metrics), batch


async def _finished_before(stop: asyncio.Event, work: "asyncio.Task[tuple[Api, Batch]]") -> bool:
    """Whether `work` ended (its exception is raised) before `stop` was set."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, work], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        work.cancel()
    return work.done() and not work.cancelled()


if __name__ == "__main__":
    sys.exit(main())
