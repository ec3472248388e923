"""What the tuner tells of a service: two conditions, figures and its last changes, rounded so that they rest.

Whether the promise is kept is judged over `slo.window`, whatever limits moved in it. True and False need
evidence of this very window; without it the condition is Unknown, and says why. Where the evidence could be
chance, what stands of this spec stays. The verdicts of the engines are the evidence; where one gives none,
vLLM's histograms of all of them.
"""

from collections.abc import Mapping
from dataclasses import replace

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.api.status import (
    ConditionStatus,
    ConditionType,
    DecisionRecord,
    InferenceServiceStatus,
    LimitValues,
    ObjectiveStatus,
    ObjectiveVerdict,
    TuningStatus,
)
from setpoint.controllers.report import Verdict, conditions, own_conditions, rfc3339
from setpoint.controllers.subject import Subject
from setpoint.controllers.tuning import by_histogram
from setpoint.controllers.tuning.estimated import cost, estimated
from setpoint.controllers.tuning.tuned import MOST_DECISIONS, Done, Tuned
from setpoint.controllers.tuning.words import duration, percent, two_digits
from setpoint.kube.objects import Object
from setpoint.orchestrations.live_limits import NAMES
from setpoint.signals.reading import Reading, ranks_per_engine
from setpoint.signals.window import Window
from setpoint.tuner import state as tuner
from setpoint.tuner.evidence import Evidence, evidence
from setpoint.tuner.evidence import Verdict as Found
from setpoint.tuner.guard import Policy
from setpoint.tuner.knobs import Knobs
from setpoint_vllm.limits_file import Limit

TYPES = frozenset({ConditionType.SLO_MET, ConditionType.TUNING})
"""The conditions that the tuner writes."""
_REASONS = {each.value: each for each in Reason}
_NO_PROMETHEUS = "the operator is not told where Prometheus is: set prometheus.url in the chart's values"


def status_of(
    service: InferenceService,
    subject: Subject,
    tuned: Tuned,
    decision: tuner.Decision,
    observation: tuner.Observation,
    settings: tuner.Settings,
    *,
    now: str,
    outdone: Reason | None = None,
    is_young: bool = False,
) -> Object:
    """Return the tuner's part of the status as it should stand.

    `outdone` is why the tuner has nothing to say: the kill switch, or no Prometheus. While it `is_young` it
    has not seen a whole window: what stands of this very promise stays while all that is wrong is that too
    little was seen, and so does that there is not enough traffic.

    `now` (RFC 3339) becomes the lastTransitionTime of a condition whose status changed.
    """
    readings = observation.readings
    seen = tuned.history.until(readings) if readings else None
    window = seen.window if seen else None
    is_judging = all(each.is_judging for each in readings.values())
    judged = tuple(evidence(each, window) for each in settings.objectives) if window and is_judging else ()
    stand = subject.conditions
    slo_met, tuning = stand.get(ConditionType.SLO_MET), stand.get(ConditionType.TUNING)
    is_of_this_spec = slo_met is not None and slo_met["observedGeneration"] == subject.generation
    stands = ConditionStatus(slo_met["status"]) if slo_met and is_of_this_spec else ConditionStatus.UNKNOWN
    found = {
        ConditionType.SLO_MET: (
            by_histogram.slo_met(settings.objectives, window)
            if window and not is_judging and not observation.missing and outdone is not Reason.NO_PROMETHEUS
            else _slo_met(observation, judged, outdone, tuned.unjudged, stands)
        ),
        ConditionType.TUNING: _tuning(decision, tuned, outdone),
    }
    is_brief = is_young and is_of_this_spec and bool(readings) and not tuned.unjudged
    if is_brief and slo_met and _may_stay(slo_met, found[ConditionType.SLO_MET]):
        found[ConditionType.SLO_MET] = _verdict(slo_met)
    if is_young and tuning and _is_still_too_little(tuning, subject.generation, decision, judged):
        found[ConditionType.TUNING] = _verdict(tuning)
    status = InferenceServiceStatus(
        conditions=conditions(found, subject, now=now),
        tuning=_figures(service, tuned, decision, observation, window, judged, subject.status),
    )
    return status.model_dump(by_alias=True, exclude_none=True, mode="json")


def _may_stay(stands: Object, found: Verdict) -> bool:
    """Whether nothing speaks against what stands of the promise but that it was watched for a short time."""
    return (
        stands["reason"] not in {Reason.SIGNAL_LOST, Reason.NO_PROMETHEUS}
        # The first look does not ask for histograms: it is not known then that they are needed.
        and found[1] in {Reason.NOT_ENOUGH_TRAFFIC, Reason.NOT_JUDGED}
    )


def _verdict(condition: Object) -> Verdict:
    return ConditionStatus(condition["status"]), condition["reason"], condition["message"]


def part_of_tuning(status: Object) -> Object:
    """Return what of a whole status the tuner writes; the rest is the InferenceService controller's."""
    return own_conditions(status, TYPES) | ({"tuning": status["tuning"]} if "tuning" in status else {})


def tells_of_this_spec(subject: Subject) -> bool:
    """Whether both of the tuner's conditions stand, and are of the spec as it is."""
    stand = subject.conditions
    return all(kind in stand and stand[kind]["observedGeneration"] == subject.generation for kind in TYPES)


def state_of(status: Object) -> object:
    """Return what of the status is worth a write at once when it changes; figures can wait."""
    told = [(each["type"], each["status"], each["reason"]) for each in status["conditions"]]
    tuning = status.get("tuning", {})
    return (
        told,
        tuning.get("wanted"),
        tuning.get("inForce"),
        len(tuning.get("decisions", ())),
        [each["time"] for each in tuning.get("decisions", ())],
    )


def _slo_met(
    observation: tuner.Observation,
    judged: tuple[Evidence, ...],
    outdone: Reason | None,
    unjudged: str,
    stands: ConditionStatus,
) -> Verdict:
    if outdone is Reason.NO_PROMETHEUS:
        return ConditionStatus.UNKNOWN, outdone, _NO_PROMETHEUS
    if observation.missing:
        message = "; ".join(f"{name}: {why}" for name, why in observation.missing.items())
        return ConditionStatus.UNKNOWN, Reason.SIGNAL_LOST, message
    if unjudged:
        return ConditionStatus.UNKNOWN, Reason.NOT_JUDGED, unjudged
    if not judged:
        message = "no engine serves" if not observation.readings else "the engines were seen only once"
        return ConditionStatus.UNKNOWN, Reason.NOT_ENOUGH_TRAFFIC, message
    if all(each.judged.count == 0 for each in judged):
        return ConditionStatus.UNKNOWN, Reason.NOT_ENOUGH_TRAFFIC, "no request was judged in the window"
    unknown = [each for each in judged if each.is_of_too_few]
    missed = [each for each in judged if each not in unknown and _is_missed(each, stands)]
    if missed:
        return ConditionStatus.FALSE, Reason.MISSED, "; ".join(map(_told, missed))
    if unknown:
        message = f"too few requests to tell of {', '.join(each.objective.name for each in unknown)}"
        return ConditionStatus.UNKNOWN, Reason.NOT_ENOUGH_TRAFFIC, message
    return ConditionStatus.TRUE, Reason.MET, "; ".join(map(_told, judged))


def _is_missed(found: Evidence, stands: ConditionStatus) -> bool:
    """Whether an objective is not kept; one that is unclear is as the condition stands."""
    if found.verdict is Found.UNCLEAR and stands is not ConditionStatus.UNKNOWN:
        return stands is ConditionStatus.FALSE
    return not found.is_met


def _told(found: Evidence) -> str:
    objective = found.objective
    unsure = ", which is not certain" if found.verdict is Found.UNCLEAR else ""
    return (
        f"{objective.name}: {percent(found.bad_share)} beyond {duration(objective.threshold_seconds)}, "
        f"allowed are {percent(objective.bad_share_allowed)}{unsure}"
    )


def _tuning(decision: tuner.Decision, tuned: Tuned, outdone: Reason | None) -> Verdict:
    reason = outdone or _REASONS[decision.reason.value]
    acts = decision.reason in {
        tuner.Reason.GUARDING,
        tuner.Reason.HOLDING,
        tuner.Reason.RECOMMENDING,
        tuner.Reason.NOT_ENOUGH_TRAFFIC,
    }
    moved = knobs_text(tuned.state.knobs)
    said = _NO_PROMETHEUS if outdone is Reason.NO_PROMETHEUS else decision.message
    message = f"{moved}: {said}" if said else moved
    return ConditionStatus.TRUE if acts and outdone is None else ConditionStatus.FALSE, reason, message


def _is_still_too_little(
    stands: Object, generation: int, decision: tuner.Decision, judged: tuple[Evidence, ...]
) -> bool:
    """Whether there was not enough traffic to act on, and nothing shows that there is now."""
    return (
        stands["reason"] == Reason.NOT_ENOUGH_TRAFFIC
        and stands["observedGeneration"] == generation
        and decision.reason in {tuner.Reason.HOLDING, tuner.Reason.RECOMMENDING}
        and all(each.is_of_too_few for each in judged)
    )


def knobs_text(knobs: Knobs) -> str:
    """Return the limits that are off their start values, as a person reads them."""
    moved = [f"{NAMES[limit]} {value}" for limit, value in knobs.moved.items()]
    return ", ".join(moved) or "all limits are at their start values"


def _figures(
    service: InferenceService,
    tuned: Tuned,
    decision: tuner.Decision,
    observation: tuner.Observation,
    window: Window | None,
    judged: tuple[Evidence, ...],
    former: Object,
) -> TuningStatus:
    readings = observation.readings
    slo = service.spec.slo
    thresholds = {each.name: each.threshold for each in slo.objectives} if slo else {}
    requests = window.requests if window else None
    recommended = decision.change if decision.change and not decision.is_applied else None
    if recommended and tuned.done:
        # By the figures of this cycle it may be a little different.
        recommended = replace(recommended, after=tuned.done[0].change.after)
    return TuningStatus(
        objectives=[
            ObjectiveStatus(
                name=each.objective.name,
                threshold=thresholds[each.objective.name],
                percentile=int(each.objective.percentile),
                verdict=ObjectiveVerdict(each.verdict.value),
                bad_share=percent(each.bad_share),
                samples=_rounded(each.judged.count),
            )
            for each in judged
            if each.objective.name in thresholds
        ],
        good_share=percent(1 - requests.bad_share) if requests and requests.count else None,
        window=duration(round(window.seconds / 10) * 10) if window else None,
        start=_start(tuned, former),
        wanted=_values(tuned.wanted()),
        in_force=_values(_in_force(readings)),
        cost_per_million_tokens=_cost(service, window, readings),
        estimated=(
            None if decision.reason is tuner.Reason.DISABLED else estimated(service, tuned, window, readings)
        ),
        recommendation=recommendation(recommended, tuned, observation),
        decisions=_decisions(tuned, former),
    )


def recommendation(change: tuner.Change | None, tuned: Tuned, observation: tuner.Observation) -> str | None:
    """Return what Auto would do now, and which budget would be better to start with; None for nothing."""
    said = []
    if change is not None:
        said.append(f"Auto would now set {knobs_text(change.after)}, since {change.cause}")
    if tuned.start is not None and (change is None or change.policy is not Policy.PLAN):
        ranks = ranks_per_engine(observation.readings)
        said.append(tuned.state.planned.advice(tuned.start, ranks, observation.now_seconds))
    return "; ".join(filter(None, said)) or None


def _cost(service: InferenceService, window: Window | None, readings: Mapping[str, Reading]) -> str | None:
    if window is None or not window.seconds:
        return None
    tokens_per_second = window.counted.generation_tokens / window.seconds
    return cost(service, tokens_per_second, engines=len(readings))


def _start(tuned: Tuned, former: Object) -> LimitValues | None:
    """What the engines told, or what a former process knew of it."""
    if tuned.start is None:
        stands = former.get("tuning", {}).get("start")
        return LimitValues.model_validate(stands) if stands else None
    return LimitValues(max_num_batched_tokens=tuned.start.tokens, max_num_seqs=tuned.start.seqs)


def _in_force(readings: Mapping[str, Reading]) -> dict[Limit, int]:
    """The lowest of all ranks, of the limits that are off their start values in one of them."""
    found: dict[Limit, int] = {}
    for reading in readings.values():
        for rank in reading.ranks.values():
            for limit, value in rank.in_force.items():
                if value != rank.start.get(limit):
                    found[limit] = min(found.get(limit, value), value)
    return found


def _values(limits: Mapping[Limit, int]) -> LimitValues | None:
    """These limits by their names in the API; None for none."""
    named = {NAMES[limit]: value for limit, value in limits.items() if limit in NAMES}
    return LimitValues.model_validate(named) if limits else None


def _decisions(tuned: Tuned, former: Object) -> list[DecisionRecord]:
    """The last changes, also those that a former process made."""
    records = [_record(each) for each in tuned.done]
    known = {each.time for each in records}
    stand = former.get("tuning", {}).get("decisions", ())
    records += [DecisionRecord.model_validate(each) for each in stand if each["time"] not in known]
    return records[:MOST_DECISIONS]


def _record(done: Done) -> DecisionRecord:
    change = done.change
    effect = None
    if done.bad_share_after is not None and done.is_applied:
        before = "" if done.bad_share_before is None else f"before {percent(done.bad_share_before)}, "
        effect = f"bad requests: {before}after {percent(done.bad_share_after)}"
    return DecisionRecord(
        time=rfc3339(done.at_seconds),
        policy=change.policy.value,
        cause=change.cause,
        before=_values(change.before.moved) or LimitValues(),
        after=_values(change.after.moved) or LimitValues(),
        applied=done.is_applied,
        effect=effect,
    )


def _rounded(count: float) -> int:
    """Two significant digits: more would change with every cycle."""
    return int(float(two_digits(count)))
