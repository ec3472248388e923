"""`vllm serve` with the plugin, started for the benchmark, found again by a later command, and ended."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import setpoint_vllm
from benchmarks.h100 import machine

URL = "http://127.0.0.1:8000"
MODEL_NAME = "m"
FOLDER = Path("/tmp/setpoint-h100")
LIMITS_FILE = FOLDER / "limits.json"
SWITCH_FILE = FOLDER / "switch"
MODEL = FOLDER / "m8b"
MODEL_FLAGS = ("--max-model-len", "8192")
_LOG = FOLDER / "vllm.log"
_PID = FOLDER / "vllm.pid"
_PLUGIN = FOLDER / "plugin"
_START_TIMEOUT_SECONDS = 420


def start(flags: list[str]) -> float:
    """Start vLLM in a session of its own, nothing limited; return the seconds until /health answered.

    Raises RuntimeError with the end of its log when it ended or was not healthy in time.
    """
    stop()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for left in (LIMITS_FILE, *FOLDER.glob(f"{SWITCH_FILE.name}*")):
        left.unlink(missing_ok=True)
    _deliver_plugin()
    switch = Path(__file__).parent / "overhead_switch"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(_PLUGIN), str(switch), os.environ.get("PYTHONPATH", "")]),
        "SETPOINT_LIMITS_FILE": str(LIMITS_FILE),
        "BENCHMARK_SWITCH_FILE": str(SWITCH_FILE),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_USE_FLASHINFER_SAMPLER": "0",
    }
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(MODEL),
               "--served-model-name", MODEL_NAME, "--load-format", "dummy", "--port", URL.rpartition(":")[2],
               "--middleware", "setpoint_vllm.middleware.Setpoint",
               "--disable-uvicorn-access-log", *MODEL_FLAGS, *flags]  # fmt: skip
    began = time.monotonic()
    with _LOG.open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    _PID.write_text(str(process.pid))
    while time.monotonic() - began < _START_TIMEOUT_SECONDS:
        if process.poll() is not None:
            break
        if is_healthy():
            return time.monotonic() - began
        time.sleep(0.5)
    raise RuntimeError(f"vLLM did not start:\n{_LOG.read_text()[-4000:]}")


def session() -> int:
    """Return the session of the server's processes."""
    return int(_PID.read_text())


def stop() -> None:
    """End the server of an earlier start, if there is one, and wait until its memory is free."""
    if not _PID.exists():
        return
    try:
        os.killpg(session(), signal.SIGKILL)
    except ProcessLookupError:
        pass
    else:
        deadline = time.monotonic() + 30
        while machine.gpu_memory_used_mib() > 2000 and time.monotonic() < deadline:
            time.sleep(0.2)
    _PID.unlink()


def is_healthy() -> bool:
    """Return whether the server answers."""
    try:
        with urllib.request.urlopen(f"{URL}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _deliver_plugin() -> None:
    """Lay the plugin out as docs/vllm-plugin.md says."""
    source = Path(setpoint_vllm.__file__).parent
    shutil.rmtree(_PLUGIN, ignore_errors=True)
    shutil.copytree(source, _PLUGIN / source.name, ignore=shutil.ignore_patterns("__pycache__", "dist-info"))
    shutil.copytree(source / "dist-info", _PLUGIN / "setpoint_vllm-0.1.0.dist-info")
