"""Services in every state that a person may be woken for, and the pages about them.

`python -m tests.cli.status_pages` writes the pages; a test compares them, so that a change of what is read at
night is seen in review.
"""

import json
from pathlib import Path
from typing import Any

from setpoint.api.reasons import Reason
from setpoint.cli.status_facts import Facts
from setpoint.cli.status_next import next_steps
from setpoint.cli.status_objects import Found, facts_of
from setpoint.cli.status_page import page
from setpoint.kube.objects import Object

FOLDER = Path(__file__).parent / "status_pages"
NOW_SECONDS = 1_795_834_800.0
"""2026-11-28 03:00:00 UTC."""
ITL, TTFT = "between-tokens", "first-token"
PODS = ("chat-7d9f8-abcde", "chat-7d9f8-fghij")
START = {"maxNumBatchedTokens": 8192, "maxNumSeqs": 1024}
SLO = {
    "objectives": [
        {"name": TTFT, "metric": "TimeToFirstToken", "threshold": "1s", "percentile": 95},
        {"name": ITL, "metric": "InterTokenLatency", "threshold": "60ms", "percentile": 95},
    ],
    "window": "5m",
}


def condition(
    kind: str, status: str, reason: str, message: str = "", since: str = "02:20:00", generation: int = 3
) -> Object:
    """A condition that changed tonight."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": f"2026-11-28T{since}Z",
        "observedGeneration": generation,
    }


READY = condition("Ready", "True", "Routable", "2 pods are routable, 2 wanted", since="00:12:00")
COMPLETE = condition("Progressing", "False", "Complete", "the newest spec is rolled out", since="00:12:00")
ACCEPTED = condition("Accepted", "True", "Accepted", "the spec can be carried out", since="00:05:00")
MET = condition("SLOMet", "True", "Met", f"{ITL}: 0.8% beyond 60ms, allowed are 5.0%")
MISSED = condition("SLOMet", "False", "Missed", f"{ITL}: 19.8% beyond 60ms, allowed are 5.0%", "02:51:10")
HOLDING = condition("Tuning", "True", "Holding", "all limits are at their start values", "00:13:00")


def judged(itl_share: str = "0.8%", itl_verdict: str = "Kept") -> list[Object]:
    """What was seen of both objectives."""
    return [
        {"name": TTFT, "verdict": "Kept", "badShare": "0.2%", "samples": 2400},
        {"name": ITL, "verdict": itl_verdict, "badShare": itl_share, "samples": 300000},
    ]


def pod(
    name: str, *, ready: bool = True, restarts: int = 0, told: Object | None = None, **status: Any
) -> Object:
    """A pod of the service on a node of its own."""
    main = {"name": "main", "restartCount": restarts, **status}
    annotations = {} if told is None else {"setpoint.dev/limits": json.dumps(told)}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"nodeName": f"gpu-{name[-1]}"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [main],
        },
    }


def crashed(name: str) -> Object:
    """A pod whose engine ended four minutes ago, for the seventh time."""
    ended = {"reason": "Error", "exitCode": 1, "finishedAt": "2026-11-28T02:56:00Z"}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    return pod(name, ready=False, restarts=7, state=waiting, lastState={"terminated": ended})


def slices(*names: str) -> tuple[Object, ...]:
    """The pods that get requests."""
    return (
        {
            "endpoints": [
                {"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": each}} for each in names
            ]
        },
    )


def found(
    *conditions: Object,
    mode: str = "Auto",
    tuning: Object | None = None,
    pods: tuple[Object, ...] = tuple(map(pod, PODS)),
    checkpoint: Object | None = None,
    spec: Object | None = None,
    **more: Any,
) -> Found:
    """A service with a promise and two pods that serve; `conditions` stand in for those of a sound one."""
    stand = {each["type"]: each for each in (ACCEPTED, READY, COMPLETE, MET, HOLDING, *conditions)}
    figures = {"objectives": judged(), "goodShare": "99.0%", "window": "5m0s", "start": START}
    return Found(
        {
            "metadata": {"namespace": "team-a", "name": "chat", "generation": 3},
            "spec": spec
            or {"model": {"name": "llama-8b"}, "replicas": 2, "slo": SLO, "tuning": {"mode": mode}},
            "status": {
                "observedGeneration": 3,
                "conditions": list(stand.values()),
                "tuning": figures | (tuning or {}),
            },
        },
        pods,
        more.pop("endpoint_slices", slices(*PODS)),
        checkpoint,
        **more,
    )


def lent(until: str, **limits: int) -> Object:
    """A TuningCheckpoint whose limits are lent until a time of tonight."""
    return {"spec": {"limits": limits, "expires": f"2026-11-28T{until}Z"}}


def change(time: str, policy: str, before: Object, after: Object, **more: Any) -> Object:
    """A change of tonight."""
    return {
        "time": f"2026-11-28T{time}Z",
        "policy": policy,
        "cause": f"{ITL}: 20 % of 60,000 are beyond 0.06 s, allowed are 5 %",
        "before": before,
        "after": after,
        "applied": True,
        **more,
    }


LOWERED = {"maxNumBatchedTokens": 1024}
BROKEN = {"objectives": judged("19.8%", "Broken"), "goodShare": "80.1%"}
RECOMMENDED = {
    "recommendation": "Auto would now set maxNumBatchedTokens 1024, since "
    f"{ITL}: 20 % of 60,000 are beyond 0.06 s, allowed are 5 %; one engine is predicted to keep the "
    "promise up to 42 requests/s with 1024 tokens a step, and up to 30.5 with 8192",
    "estimated": {"sustainableRate": "42", "sustainableRateAtStart": "30", "saturation": "130%"},
    "decisions": [change("02:51:10", "Plan", {}, LOWERED, applied=False)],
}


def lost(message: str) -> tuple[Object, Object]:
    """Both conditions of a tuner that is told nothing."""
    return (
        condition("SLOMet", "Unknown", "SignalLost", message),
        condition("Tuning", "False", "SignalLost", f"all limits are at their start values: {message}"),
    )


def tuning_says(reason: str, message: str, status: str = "False") -> Object:
    """The condition Tuning."""
    return condition("Tuning", status, reason, message)


CASES: dict[str, Found] = {
    "well": found(),
    "no-promise": found(mode="Recommend", spec={"model": {"uri": "hf://acme/tiny"}}),
    "guarding": found(
        MISSED,
        tuning_says("Guarding", "maxNumBatchedTokens 1024", "True"),
        tuning={
            **BROKEN,
            "wanted": LOWERED,
            "inForce": LOWERED,
            "decisions": [
                change("02:57:00", "SmallerBudget", {"maxNumBatchedTokens": 2048}, LOWERED),
                change(
                    "02:51:30",
                    "SmallerBudget",
                    {},
                    {"maxNumBatchedTokens": 2048},
                    effect="bad requests: before 36.2%, after 19.8%",
                ),
                change("01:20:00", "GoBack", LOWERED, {}),
            ],
        },
        checkpoint=lent("03:21:00", **LOWERED),
    ),
    "missed-recommend": found(
        MISSED,
        tuning_says("Recommending", "all limits are at their start values: would act", "True"),
        mode="Recommend",
        tuning=BROKEN | RECOMMENDED,
    ),
    "missed-recommend-nothing": found(MISSED, mode="Recommend", tuning=BROKEN),
    "missed-disabled": found(
        MISSED, tuning_says("Disabled", "tuning is disabled"), mode="Disabled", tuning=BROKEN
    ),
    "missed-out-of-reach": found(
        MISSED,
        tuning_says("Guarding", "maxNumBatchedTokens 256: between-tokens cannot be kept by limits", "True"),
        tuning={**BROKEN, "wanted": {"maxNumBatchedTokens": 256}, "inForce": {"maxNumBatchedTokens": 256}},
        checkpoint=lent("03:21:00", maxNumBatchedTokens=256),
    ),
    "unclear": found(
        condition("SLOMet", "False", "Missed", "not certain"),
        tuning={"objectives": judged("5.1%", "Unclear")},
    ),
    "signal-lost-engine": found(*lost(f"{PODS[1]}: Prometheus has no series of it")),
    "signal-lost-prometheus": found(*lost("engines: Prometheus: no answer in time")),
    "no-prometheus": found(
        condition("SLOMet", "Unknown", "NoPrometheus", "the operator is not told where Prometheus is"),
        tuning_says("NoPrometheus", "the operator is not told where Prometheus is"),
        tuning={"objectives": []},
    ),
    "not-judged": found(
        condition("SLOMet", "Unknown", "NotJudged", "an engine runs without Setpoint's plugin"),
        tuning_says("Unsupported", f"all limits are at their start values: {PODS[0]} does not follow"),
        tuning={"objectives": []},
    ),
    "not-enough-traffic": found(
        condition("SLOMet", "Unknown", "NotEnoughTraffic", "no request was judged in the window"),
        tuning_says("NotEnoughTraffic", "all limits are at their start values", "True"),
        tuning={"objectives": [], "goodShare": ""},
    ),
    "frozen": found(
        tuning_says("Frozen", f"{PODS[0]}: rank 0 keeps to limits written by setpoint-tune/host/77"),
        tuning={"inForce": LOWERED},
    ),
    "unsupported": found(
        tuning_says("Unsupported", f"{PODS[0]}: its limits cannot be moved; its log says why")
    ),
    "kill-switch": found(
        MISSED,
        tuning_says("KillSwitch", "all limits are at their start values: tuning is disabled"),
        tuning=BROKEN,
    ),
    "lease-ended": found(
        tuning_says("Guarding", "maxNumBatchedTokens 1024", "True"),
        tuning={"wanted": LOWERED, "inForce": LOWERED},
        checkpoint=lent("02:40:00", **LOWERED),
    ),
    "crashed": found(
        condition(
            "Ready", "False", "ContainerCrashed", "container 'main' ended with exit code 1: Value error, no"
        ),
        condition("Progressing", "False", "ContainerCrashed", "container 'main' ended with exit code 1"),
        *lost("engines: there is no engine"),
        pods=tuple(map(crashed, PODS)),
        endpoint_slices=(),
        tuning={"objectives": []},
    ),
    "not-accepted": found(
        condition(
            "Accepted", "False", "InvalidArgument", "spec.engine.args[0]: '--max-seqs' is no flag of vLLM"
        ),
        condition(
            "Progressing", "False", "NotAccepted", "generation 3 is not rolled out: see condition Accepted"
        ),
    ),
    "not-seen": Found(
        {"metadata": {"namespace": "team-a", "name": "chat", "generation": 1}, "spec": {"slo": SLO}}
    ),
    "may-not-read": found(
        tuning_says("Guarding", "maxNumBatchedTokens 1024", "True"),
        tuning={"wanted": LOWERED, "inForce": LOWERED},
        pods=(),
        unread={
            each: f"you may not list {each} in namespace team-a" for each in ("pods", "tuningcheckpoints")
        },
    ),
    "many-pods": found(
        pods=(*(pod(f"chat-7d9f8-{number:02}") for number in range(30)), crashed("chat-7d9f8-99")),
        endpoint_slices=slices(*(f"chat-7d9f8-{number:02}" for number in range(30))),
    ),
}
"""Services by name of their page."""


def facts(name: str) -> Facts:
    """What is known of one of them."""
    return facts_of(CASES[name], NOW_SECONDS)


def steps_by_reason() -> str:
    """The steps that each reason asks for, where it asks for any and nothing else is the case."""
    lines = []
    for reason in Reason:
        of = found(condition("Ready", "False", reason, "words"), pods=(pod(PODS[0]),))
        for each in next_steps(facts_of(of, NOW_SECONDS)):
            lines += [f"{reason.value}: {each.what}", *([f"    {each.command}"] if each.command else [])]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """All pages, by the name of their file."""
    return {name: page(facts(name)) for name in CASES} | {"steps-by-reason": steps_by_reason()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, text in pages().items():
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
