"""What a load test found: the JSON that `setpoint loadtest` writes and `setpoint compare` reads.

All times are seconds, all rates per second. An estimate carries the bounds of its 95 % confidence interval.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Literal["setpoint.dev/loadtest/v1"] = "setpoint.dev/loadtest/v1"


class _Part(BaseModel):
    """A part of a report: unknown fields are refused, so that a newer report is not half understood."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenEstimate(_Part):
    """A measured value and the bounds between which the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float | None = Field(description="null: there are too few independent samples for an upper bound")


class Estimate(OpenEstimate):
    """One with both bounds."""

    high: float


class Latency(_Part):
    """One latency over one stage."""

    count: int = Field(description="how many samples: requests, or tokens for the inter-token latency")
    mean: float
    p50: OpenEstimate
    p90: OpenEstimate
    p95: OpenEstimate
    p99: OpenEstimate


class ClosedLoop(_Part):
    """So many clients, each sending its next request when the last is answered."""

    kind: Literal["clients"] = "clients"
    clients: int


class OpenLoop(_Part):
    """Requests at a rate, whatever the endpoint does."""

    kind: Literal["rate"] = "rate"
    rate_per_second: float
    arrivals: str = Field(description="the pattern, as on the command line: poisson, constant, burst:8, ...")


class Replay(_Part):
    """The requests of a recorded trace, at its times."""

    kind: Literal["trace"] = "trace"
    rate_per_second: float = Field(description="the mean over the trace, at this speed")
    trace: str = Field(description="the file, as on the command line")
    speed: float = Field(description="how many times as fast as recorded")


class Client(_Part):
    """Whether the load was sent, and the answers taken, as they should have been."""

    send_lag_p99_seconds: float = Field(description="how late requests were sent, against their schedule")
    loop_lag_p99_seconds: float = Field(
        default=0.0,
        description="how late the slowest sender process was to take what came, by its event loop",
    )
    cpu_share: float = Field(description="share of one core that the busiest sender process used")


class Stage(_Part):
    """One load, held for a while: the figures of its measured window."""

    load: Annotated[ClosedLoop | OpenLoop | Replay, Field(discriminator="kind")]
    window_seconds: float = Field(description="length of the measured window, warm-up left out")
    warmup_seconds: float
    requests_offered: int = Field(description="requests whose scheduled time lies in the window")
    requests_completed: int = Field(description="requests answered to their end within the window")
    errors: dict[str, int] = Field(description="how many failed, by kind; a shed (503) is an error")
    failed_share: Estimate | None = Field(
        description="of the requests offered, 0 to 1; null when none were offered"
    )
    good: int | None = Field(
        description="requests of the window that met every objective; null without an SLO"
    )
    goodput_per_second: Estimate | None = Field(description="good requests a second; null without an SLO")
    requests_per_second: Estimate
    input_tokens_per_second: float
    output_tokens_per_second: Estimate
    ttft: Latency | None = Field(description="null when no request was answered; so are the next three")
    itl: Latency | None
    tpot: Latency | None = Field(
        description="time per output token: a request's mean gap, pooled over requests"
    )
    e2e: Latency | None
    tokens_per_chunk: float = Field(
        description="above 1, several tokens came at once: then itl is between chunks, tpot still a token's"
    )
    client: Client
    slo_met: bool | None = Field(
        description="whether each objective's percentile held; null without an SLO, or when it cannot be told"
    )
    unmet: list[str] = Field(
        default=[],
        description="why the SLO was missed, or why that cannot be told, by objective; [] if it held",
    )
    stationary: bool = Field(description="false when latency drifts or the queue still fills in the window")
    unsteady: list[str] = Field(
        description="why it is not stationary, such as `ttft rises from 120.0 ms to 1.35 s over the window`: "
        "the medians of the window's first and last quarter; [] if it is"
    )
    invalid: list[str] = Field(
        description="why the figures must not be used, such as a slow client; [] if valid"
    )
    notes: list[str] = Field(
        default=[],
        description="what the figures of the window do not show: requests that failed outside of it, or that "
        "were under way all through it",
    )
    probe: bool = Field(
        default=False,
        description="whether it is one of the short stages by which a search makes its first guess",
    )


class Capacity(_Part):
    """The sustainable rate: the highest open-loop rate at which the promise holds."""

    rate_per_second: Estimate | None = Field(
        description="value: the highest rate that was shown to hold, low the same, high: the lowest that was "
        "shown not to; null when the search could not tell"
    )
    verdicts: list[Literal["holds", "breaks", "unclear"]] = Field(description="of each stage, in order")
    told: str = Field(description="what the search concludes, in a sentence")
    stages: list[int] = Field(description="indices of the stages that the search ran, in order")


class Target(_Part):
    """What was put under load."""

    url: str
    model: str
    engine: str | None = Field(description="what /version answered, if anything")
    settings: dict[str, str] = Field(
        description="free labels, --label on the command line: gpu, max-num-seqs, ..."
    )


class Workload(_Part):
    """What was sent, as on the command line."""

    api: Literal["chat", "completions"]
    prompt_tokens: str
    output_tokens: str
    shared_prefix: float = Field(description="share of each prompt that all requests have in common")
    seed: int
    token_counts: Literal["tokenizer", "usage"] = Field(
        description="how prompts were measured: by the model's tokenizer, or by the usage that answers carry"
    )


class Report(_Part):
    """A whole load test."""

    schema_version: Literal["setpoint.dev/loadtest/v1"] = SCHEMA
    setpoint_version: str
    started_at: str = Field(description="RFC 3339, UTC")
    duration_seconds: float
    complete: bool = Field(
        description="false when it was interrupted or a sender process died, as the notes then say; what was "
        "measured until then stands"
    )
    machine: str = Field(description="the client's processor and core count")
    target: Target
    workload: Workload
    slo: str | None = Field(description="as on the command line, such as itl.p95=60ms,ttft.p95=1s")
    itl_rule: Literal["mean", "every-gap"]
    stages: list[Stage]
    capacity: Capacity | None = None
    notes: list[str] = Field(default=[], description="what a reader of the figures has to know")
