"""`vllm serve`: load, serve, drain, stop."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from setpoint.simulator.http import command_line, load
from setpoint.simulator.http.checks import EngineCoreError
from setpoint.simulator.http.command_line import Arguments
from setpoint.simulator.http.server import Server
from setpoint.simulator.http.settings import Settings

_DEAD_SECONDS = 5.0
"""How long vLLM's API server outlives its engine core: until its watchdog looks."""
_BACKLOG, _KEEPALIVE_SECONDS = 2048, 5.0
"""As uvicorn has them under vLLM."""
_log = logging.getLogger("setpoint.simulator")


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `vllm ARGV` until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(asctime)s [%(name)s] %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    arguments = command_line.parse(argv, environment)
    print(json.dumps({"argv": argv}), flush=True)  # noqa: T201 - tests read it
    try:
        settings = Settings.from_environment(environment)
    except ValueError as error:
        _log.error("%s", error)
        return 2
    for name in arguments.middleware:
        _log.warning("--middleware %s is not loaded: the simulator does by itself what Setpoint's does", name)
    try:
        asyncio.run(_run(arguments, settings))
    except EngineCoreError as error:
        _log.error("(EngineCore) %s: %s", type(error.__cause__).__name__, error.__cause__)
        _log.error("RuntimeError: %s", error)
        return 1
    except (OSError, ValueError) as error:
        _log.error("%s: %s", type(error).__name__, error)
        return 1
    return 0


async def _run(arguments: Arguments, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    with _bind(arguments.host, arguments.port) as listener:
        loading = asyncio.create_task(load.load(arguments, settings))
        await asyncio.wait((stopped, loading), return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            loading.cancel()
            return
        server = Server(arguments, settings, loading.result())
        await _serve(server, listener, stopped, arguments.shutdown_timeout_seconds)


async def _serve(
    server: Server, listener: socket.socket, stopped: "asyncio.Task[Any]", drain_seconds: float
) -> None:
    """Serve until told to stop or until the engine core dies. Raises what went wrong in the background."""
    runner = web.AppRunner(
        server.application,
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    await web.SockSite(runner, listener, backlog=_BACKLOG).start()
    _log.info("Application startup complete.")
    running = asyncio.create_task(server.run())
    crashed = asyncio.create_task(server.faults.crashed.wait())
    try:
        await asyncio.wait((stopped, crashed, running), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        elif stopped.done():
            server.completions.draining = True
            drained = asyncio.create_task(server.replica.drained())
            await asyncio.wait([drained], timeout=drain_seconds)
            server.replica.kill()
        else:
            _log.error("EngineCore encountered a fatal error.")
            server.replica.kill()
            await asyncio.wait([stopped], timeout=_DEAD_SECONDS)
    finally:
        running.cancel()
        await runner.cleanup()


def _bind(host: str, port: int) -> socket.socket:
    """The port, taken but not yet listening: until the model is loaded connections are refused, as vLLM's
    are.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
