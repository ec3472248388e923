"""What a row was measured on: the card, its driver and clocks, vLLM, and what its processes take."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path


def description() -> dict[str, str]:
    """Return the card, its driver, the release of vLLM, and the number of cores."""
    name, driver = _nvidia_smi(("name", "driver_version"))
    return {"device": name, "driver": driver, "vllm": version("vllm"), "cores": str(os.cpu_count())}


def gpu() -> dict[str, str]:
    """Return the card's clock in MHz, its power in W and its temperature in degrees Celsius."""
    names = ("clocks.sm", "power.draw", "temperature.gpu")
    return dict(zip(names, _nvidia_smi(names), strict=True))


def gpu_memory_used_mib() -> int:
    """Return how much of the card's memory is taken."""
    return int(_nvidia_smi(("memory.used",))[0])


def cpu_seconds(session: int) -> dict[str, float]:
    """Return the processor time that the living processes of a session have used, by their names."""
    used = dict[str, float]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(") ")
        except OSError:  # it has ended meanwhile
            continue
        fields = rest.split()
        if int(fields[3]) == session:
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            used[name] = used.get(name, 0.0) + seconds
    return used


def _nvidia_smi(names: tuple[str, ...]) -> list[str]:
    query = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader,nounits"]
    line = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    return [value.strip() for value in line.split(",")]
