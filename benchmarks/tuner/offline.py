"""vLLM's offline search, as benchmarks/auto_tune/auto_tune.sh does it (0.33).

For each cell of a small grid an engine is started and sent 1,000 requests at once. Where the 99th
percentile of their end-to-end latency is too long, the rate is lowered from their throughput by 1 a second
at a time, with 100 requests each, until it fits. The cell with the highest throughput wins. The script
knows no other latency: a promise on first tokens and gaps becomes what the longest answers (99 %) may take
under it.
"""

from functools import cache
from itertools import islice

from benchmarks.tuner.cases import Promise, Streams
from benchmarks.virtual.load import Phase, sent
from benchmarks.virtual.services import Hardware, service
from setpoint.simulator.play import Play, Sent
from setpoint.workload.quantiles import quantile

SEQUENCES, TOKENS = (128, 256), (512, 1024, 2048, 4096)
AT_ONCE, AT_RATE = 1000, 100
DRAWN_PER_SECOND = 10.0
SEED_OFFSET = 20_000


@cache
def best(hardware: Hardware, streams: Streams, promise: Promise, seed: int) -> tuple[int, int] | None:
    """Return sequences and tokens of the best cell, None when none keeps the latency at any rate."""
    answers_tokens = sorted(request.output_tokens for _, request in _draw(streams, seed, AT_ONCE))
    longest_tokens = quantile(answers_tokens, 0.99)
    e2e_seconds = promise.ttft_seconds + promise.itl_seconds * (longest_tokens - 1)
    found = {
        (sequences, tokens): _throughput(hardware, streams, (sequences, tokens), e2e_seconds, seed)
        for sequences in SEQUENCES
        for tokens in TOKENS
    }
    cell = max(found, key=lambda each: found[each])
    return cell if found[cell] > 0 else None


def _throughput(
    hardware: Hardware, streams: Streams, cell: tuple[int, int], e2e_seconds: float, seed: int
) -> float:
    """Requests a second at the highest rate that is tried and keeps the latency; 0 at none."""
    load = [(0.0, request) for _, request in _draw(streams, seed, AT_ONCE)]
    throughput, e2e_p99 = _served(hardware, cell, load)
    rate = int(throughput) + 1
    while e2e_p99 > e2e_seconds:
        if rate < 1:
            return 0.0
        spread = ((at * DRAWN_PER_SECOND / rate, request) for at, request in _draw(streams, seed, AT_RATE))
        throughput, e2e_p99 = _served(hardware, cell, list(spread))
        rate -= 1
    return throughput


def _draw(streams: Streams, seed: int, number: int) -> list[Sent]:
    endless = Phase(10 * number / DRAWN_PER_SECOND, DRAWN_PER_SECOND, streams)
    return list(islice(sent([endless], None, SEED_OFFSET + seed, 16), number))


def _served(hardware: Hardware, cell: tuple[int, int], load: list[Sent]) -> tuple[float, float]:
    """Requests a second from the first one's sending to the last one's end, and the p99 of their latency."""
    sequences, tokens = cell
    started = service(sequences=sequences, tokens=tokens, hardware=hardware)
    play = Play(started.start(), started.parameters.network_seconds, started.router)
    play.send(load)
    play.run_until(float("inf"))
    answers = play.record.answers
    lasted = max(each.ended_seconds for each in answers) - load[0][0]
    return len(answers) / lasted, quantile(sorted(each.e2e_seconds for each in answers), 0.99)
