"""`vllm serve`, started for the benchmark, found again by a later command, and ended."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

URL = "http://127.0.0.1:8000"
MODEL_NAME = "m"
LIMITS_FILE = Path("/tmp/setpoint-h100/limits.json")
_FOLDER = LIMITS_FILE.parent
_LOG = _FOLDER / "vllm.log"
_PID = _FOLDER / "vllm.pid"
_START_TIMEOUT_SECONDS = 420


def start(model: Path, flags: list[str]) -> float:
    """Start vLLM in a session of its own; return the seconds until /health answered.

    Raises RuntimeError with the end of its log when it ended or was not healthy in time.
    """
    stop()
    _FOLDER.mkdir(parents=True, exist_ok=True)
    LIMITS_FILE.unlink(missing_ok=True)
    plugin = Path(__file__).parent / "live_limits"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(plugin), os.environ.get("PYTHONPATH", "")]),
        "BENCHMARK_LIMITS_FILE": str(LIMITS_FILE),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_USE_FLASHINFER_SAMPLER": "0",
    }
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(model),
               "--served-model-name", MODEL_NAME, "--load-format", "dummy", "--port", "8000",
               "--max-model-len", "8192", "--disable-uvicorn-access-log", *flags]  # fmt: skip
    began = time.monotonic()
    with _LOG.open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    _PID.write_text(str(process.pid))
    while time.monotonic() - began < _START_TIMEOUT_SECONDS:
        if process.poll() is not None:
            break
        if _healthy():
            return time.monotonic() - began
        time.sleep(0.5)
    raise RuntimeError(f"vLLM did not start:\n{_LOG.read_text()[-4000:]}")


def stop() -> None:
    """End the server of an earlier start, if there is one, and wait until its memory is free."""
    if not _PID.exists():
        return
    pid = int(_PID.read_text())
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    else:
        deadline = time.monotonic() + 30
        while _gpu_memory_used_mib() > 2000 and time.monotonic() < deadline:
            time.sleep(0.2)
    _PID.unlink()


def _healthy() -> bool:
    try:
        with urllib.request.urlopen(f"{URL}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _gpu_memory_used_mib() -> int:
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return int(subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0])
