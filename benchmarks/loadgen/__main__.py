"""Measures what load generators cost and how exactly they send, and writes results.json beside this file.

`python -m benchmarks.loadgen` measures ours; `--tool vllm=ENVIRONMENT` (aiperf, guidellm) another as well, by
its virtual environment; `--tokenizer` is a folder that these need. Each sends 100 requests a second,
evenly spaced, of 100 tokens at 20 a second: 500 streams. The server (`server.py`) has a core of its own and
notes when each request came. Send-time error: how much later than on an even grid through the earliest one.
As root both run at a real-time priority, so that nothing else on a shared machine is measured with them;
not on several cores (`--cores 0,1`, for a tool that needs more than one), where they would starve the server.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.loadgen.tools import RATE, TOOLS, Run
from setpoint.loadgen.machine import machine
from setpoint.workload.quantiles import quantile

_RESULTS = Path(__file__).with_name("results.json")
_TICKS = os.sysconf("SC_CLK_TCK")
_SERVER_CORE, _WINDOW_SECONDS, _END_SECONDS = 1, 20.0, 3.0
"""The last seconds are left out of the window: streams that are the last ones end in them."""


@dataclass(frozen=True)
class Usage:
    """What a tool's processes use, in all."""

    at: float
    cpu_seconds: float
    memory_bytes: int
    processes: int


@dataclass(frozen=True)
class Result:
    """One tool. Times in milliseconds."""

    tool: str
    cores: str
    requests_per_second: float
    send_error_p50_ms: float
    send_error_p99_ms: float
    cpu_cores: float
    peak_memory_mb: int
    processes: int
    install_mb: int | None


def usage(root: int) -> Usage:
    """What a process and its descendants use now."""
    children: dict[int, list[int]] = {}
    used: dict[int, tuple[float, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        found += [used[pid]] if pid in used else []
    return Usage(time.monotonic(), sum(cpu for cpu, _ in found), sum(size for _, size in found), len(found))


def pinned(command: list[str], cores: str) -> list[str]:
    """The command on these cores only, and before everything else if that is allowed."""
    real_time = ["chrt", "--fifo", "4"] if os.geteuid() == 0 and "," not in cores else []
    return [*real_time, "taskset", "--cpu-list", cores, *command]


def measure(tool: str, run: Run, cores: str) -> Result:
    """Run a tool to its end."""
    arrivals(run.url)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    environment |= {"HF_HUB_CACHE": str(run.tokenizer / "hub")}
    log = run.out / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            pinned(TOOLS[tool](run), cores), env=environment, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        seen = [usage(process.pid)]
        while process.poll() is None:
            time.sleep(0.5)
            seen.append(usage(process.pid))
    if process.returncode:
        sys.exit(f"{tool} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    came = sorted(arrivals(run.url))
    end = came[-1] - _END_SECONDS
    window = [moment for moment in came if end - _WINDOW_SECONDS <= moment < end]
    offsets = [moment - number / RATE for number, moment in enumerate(window)]
    errors = sorted(1000 * (offset - min(offsets)) for offset in offsets)
    within = [each for each in seen if end - _WINDOW_SECONDS <= each.at < end]
    cpu = (within[-1].cpu_seconds - within[0].cpu_seconds) / (within[-1].at - within[0].at)
    return Result(
        tool=tool,
        cores=cores,
        requests_per_second=round(len(window) / _WINDOW_SECONDS, 1),
        send_error_p50_ms=round(quantile(errors, 0.5), 1),
        send_error_p99_ms=round(quantile(errors, 0.99), 1),
        cpu_cores=round(cpu, 2),
        peak_memory_mb=max(each.memory_bytes for each in seen) >> 20,
        processes=max(each.processes for each in seen),
        install_mb=None if tool == "setpoint" else size_mb(run.environment),
    )


def arrivals(url: str) -> list[float]:
    """When requests came since the last call."""
    with urllib.request.urlopen(f"{url}/arrivals") as response:
        came: list[float] = json.load(response)
    return came


def await_port(port: int) -> None:
    """Return once somebody listens."""
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)


def size_mb(folder: Path) -> int:
    """The disk space of a virtual environment."""
    return int(subprocess.check_output(["du", "--summarize", "--block-size=1M", folder]).split()[0])


def main() -> None:
    """Measure each tool and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loadgen", description=__doc__)
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=ENVIRONMENT")
    parser.add_argument("--tokenizer", type=Path, default=Path())
    parser.add_argument("--cores", default="0", help="of the tools; the server has core 1 (0)")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--port", type=int, default=8123)
    options = parser.parse_args()
    tools = [("setpoint", Path())] + [
        (name, Path(path)) for name, _, path in (t.partition("=") for t in options.tool)
    ]
    url = f"http://127.0.0.1:{options.port}"
    server = [sys.executable, "-m", "benchmarks.loadgen.server", str(options.port)]
    results = []
    with subprocess.Popen(pinned(server, str(_SERVER_CORE))) as process:
        try:
            await_port(options.port)
            for tool, environment in tools:
                with tempfile.TemporaryDirectory() as out:
                    run = Run(environment, options.tokenizer, url, options.seconds, Path(out))
                    results.append(measure(tool, run, options.cores))
                print(results[-1])
        finally:
            process.terminate()
    date = datetime.now(UTC).date().isoformat()
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else []
    kept += [
        {"date": date, "machine": machine(), "load": os.getloadavg()[1], **asdict(each)} for each in results
    ]
    _RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
