"""Who steers: settings that stay, other searches, and Setpoint's tuner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.tuner.cases import Load, Promise
from benchmarks.tuner.concurrency import Aimd
from benchmarks.tuner.hillclimb import HillClimb
from benchmarks.tuner.offline import best
from benchmarks.tuner.sampling import RandomSearch, Tpe
from benchmarks.tuner.windowed import Fixed
from benchmarks.virtual.steering import Steering, Tuner
from setpoint.tuner.knobs import Start
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Mode, Settings

DEFAULT = "default"
SETPOINT = "setpoint"
STATIC_TOKENS = (256, 384, 512, 768, 1024, 2048)


@dataclass(frozen=True)
class Arm:
    """How an engine is started, and who moves its limits from there."""

    name: str
    steering: Callable[[Sequence[Objective], Start, int], Steering]
    """By the objectives, the start and the seed."""
    start: Callable[[Load, Promise, int], tuple[int, int]]
    """Sequences and tokens that the engine is started with, by the load, the promise and the seed."""
    sees_promise: bool = True
    """Whether it does something else under another promise: if not, one run is judged by all of them."""


def _as_vllm(load: Load, _promise: Promise, _seed: int) -> tuple[int, int]:
    """What `vllm serve` starts with by itself."""
    return load.hardware.batch_limits()


def _as_auto_tuned(load: Load, promise: Promise, seed: int) -> tuple[int, int]:
    """What vLLM's offline search finds for the first requests; vLLM's own where it finds nothing."""
    found = best(load.hardware, load.phases[0].streams, promise, seed)
    return found or load.hardware.batch_limits()


def _fixed(objectives: Sequence[Objective], start: Start, _seed: int) -> Steering:
    return Fixed(objectives, start)


def _tuner(mode: Mode, *, plans: bool = True) -> Callable[[Sequence[Objective], Start, int], Steering]:
    return lambda objectives, start, _: Tuner(
        Settings(mode, tuple(objectives), writer="benchmark", plans=plans), start
    )


def static_name(tokens: int) -> str:
    """Return the name of the arm that is started with this budget."""
    return f"static {tokens}"


def _static(tokens: int) -> Arm:
    def start(load: Load, _promise: Promise, _seed: int) -> tuple[int, int]:
        return load.hardware.batch_limits(tokens)

    return Arm(static_name(tokens), _fixed, start, sees_promise=False)


STATICS = tuple(static_name(each) for each in STATIC_TOKENS)
ARMS: dict[str, Arm] = {
    each.name: each
    for each in (
        Arm(DEFAULT, _fixed, _as_vllm, sees_promise=False),
        Arm("disabled", _tuner(Mode.DISABLED), _as_vllm, sees_promise=False),
        *map(_static, STATIC_TOKENS),
        Arm(SETPOINT, _tuner(Mode.AUTO), _as_vllm),
        Arm("guard alone", _tuner(Mode.AUTO, plans=False), _as_vllm),
        Arm("aimd", lambda objectives, start, _: Aimd(objectives, start), _as_vllm),
        Arm("hill-climb", lambda objectives, start, _: HillClimb(objectives, start), _as_vllm),
        Arm("random", RandomSearch, _as_vllm),
        Arm("tpe", Tpe, _as_vllm),
        Arm("auto_tune", _fixed, _as_auto_tuned),
    )
}
