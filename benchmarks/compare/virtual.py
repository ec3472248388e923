"""A load test of a simulated engine in virtual time: each request as the load test's client would note it."""

from array import array

from setpoint.loadgen.records import Record
from setpoint.simulator.experiment import OpenLoop, Requests, Service, arriving
from setpoint.simulator.play import Play
from setpoint.simulator.record import Record as Simulated
from setpoint.simulator.replica import Gap
from setpoint.simulator.request import Request
from setpoint.simulator.step import Step

_CLOCK_DIGITS = 6
"""A client tells microseconds; what differs by less is the same."""


class _Watched(Simulated):
    """Also keeps when each step's tokens went out, and in which step each request got its first."""

    def __init__(self) -> None:
        super().__init__()
        self.handed_out_seconds = array("d")
        """By step; the first entry stands before all steps."""
        self.first: dict[Request, tuple[float, int]] = {}
        """When it came, and in which step."""
        self._steps = 0

    def gap(self, gap: Gap) -> None:
        """Note when the tokens of the newest step went out."""
        self.handed_out_seconds.append(gap[0])

    def step(self, step: Step, half: float, out: float) -> None:  # noqa: ARG002  as its base has it
        """Note the first tokens of a step."""
        self._steps += 1
        if step.late_gaps_seconds or step.preempted:
            raise ValueError("requests are preempted: choose a load whose KV cache fits")
        for request in step.first_tokens:
            self.first[request] = (out, self._steps)


def load_test(
    service: Service, load: OpenLoop, requests: Requests, seconds: float, seed: int
) -> list[Record]:
    """Return the records of one replica's stage under an open loop, as they stand at its end.

    Raises ValueError when the load makes the engine preempt: tokens of a request then skip steps.
    """
    sent = list(arriving(load, requests, seconds, seed, service.config.block_size))
    play = Play(service.start(), service.parameters.network_seconds, service.router)
    play.record = watched = _Watched()
    play.send(sent)
    play.run_until(seconds)
    return [_record(number, *each, watched, seconds) for number, each in enumerate(sent)]


def _record(number: int, scheduled: float, request: Request, watched: _Watched, seconds: float) -> Record:
    record = Record(number, scheduled, scheduled, request.output_tokens, prompt_tokens=request.prompt_tokens)
    if request not in watched.first:
        return record
    came, step = watched.first[request]
    later = watched.handed_out_seconds[step + 1 : step + request.output_tokens]
    moments = (came, *(max(came, moment) for moment in later if moment < seconds))
    record.arrivals = array("d", (round(moment, _CLOCK_DIGITS) for moment in moments))
    record.output_tokens = len(record.arrivals)
    if record.output_tokens == request.output_tokens:
        record.ended = record.arrivals[-1]
    return record
