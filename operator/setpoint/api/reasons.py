"""The reasons of conditions: words that programs may rely on, each with what it means.

They are part of the API: one that was released is never renamed.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why a condition is as it is."""

    meaning: str
    """What was seen, in one sentence."""

    def __new__(cls, value: str, meaning: str) -> Self:
        """Return the member with this text and meaning."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.meaning = meaning
        return reason

    # Accepted
    ACCEPTED = "Accepted", "The spec can be carried out."
    INVALID_SPEC = "InvalidSpec", "A field breaks the schema or a rule of this version of Setpoint."
    INVALID_ARGUMENT = (
        "InvalidArgument",
        "engine.args has something that is not a flag of the engine with its values.",
    )
    RESERVED_ARGUMENT = "ReservedArgument", "engine.args names a flag that a field of the spec sets."
    INVALID_TEMPLATE = (
        "InvalidTemplate",
        "template is not a fragment of a pod template, or sets the engine's command line.",
    )
    FORBIDDEN_TEMPLATE = (
        "ForbiddenTemplate",
        "template asks for rights over the node that a tenant may not have.",
    )
    NODE_PATH_NOT_ALLOWED = (
        "NodePathNotAllowed",
        "model.uri names a node's folder that the administrator does not allow.",
    )
    PLUGIN_UNREACHABLE = (
        "PluginUnreachable",
        "slo needs Setpoint's plugin in the engine, which cannot come there, or not for certain.",
    )
    NAME_TAKEN = (
        "NameTaken",
        "An object that is not Setpoint's has the name of one that is needed; it is left alone.",
    )
    REJECTED = "Rejected", "The API server refuses an object that follows from the spec."
    INTERNAL_ERROR = (
        "InternalError",
        "Setpoint fails on the spec, by a fault of its own; what served before goes on.",
    )

    # Ready
    ROUTABLE = "Routable", "At least one pod is ready and in the Service's EndpointSlices."
    NO_ROUTABLE_POD = (
        "NoRoutablePod",
        "No pod is ready and in the Service's EndpointSlices, and none says why.",
    )
    SCALED_TO_ZERO = "ScaledToZero", "The spec asks for no pods."

    # Progressing
    NOT_ACCEPTED = "NotAccepted", "The newest spec is not rolled out; what served before goes on."
    ROLLING_OUT = "RollingOut", "The newest spec is being carried out."
    COMPLETE = "Complete", "Every wanted pod is of the newest spec and routable, and no older one is left."
    PAUSED = "Paused", "Somebody has paused the Deployment, so the newest spec is not rolled out."
    POD_CREATION_FAILED = "PodCreationFailed", "The API server refuses the pods (a quota, Pod Security)."
    DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "No pod of the newest spec came up in time, and none says why.",
    )

    # A pod that does not serve: Ready where no pod does, Progressing where another one still serves
    SECRET_NOT_FOUND = "SecretNotFound", "A Secret that the spec names does not exist."
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound", "A Secret that the spec names lacks the key."
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound", "A ConfigMap that template names does not exist."
    CONFIG_MAP_KEY_NOT_FOUND = "ConfigMapKeyNotFound", "A ConfigMap that template names lacks the key."
    VOLUME_CLAIM_NOT_FOUND = (
        "VolumeClaimNotFound",
        "A PersistentVolumeClaim that model.uri or template names does not exist.",
    )
    WAITING_FOR_VOLUMES = (
        "WaitingForVolumes",
        "A pod has a node, and not its volumes or its network; when that lasts, a volume may be missing.",
    )
    INSUFFICIENT_ACCELERATORS = (
        "InsufficientAccelerators",
        "No node has as many accelerators free as one pod needs.",
    )
    INSUFFICIENT_HUGE_PAGES = "InsufficientHugePages", "No node has the huge pages free."
    UNSCHEDULABLE = "Unschedulable", "No node takes the pod; the message has the scheduler's words."
    IMAGE_PULL_FAILED = "ImagePullFailed", "An image cannot be had."
    CONTAINER_CONFIG_ERROR = "ContainerConfigError", "The kubelet cannot make a container."
    OUT_OF_MEMORY = "OutOfMemory", "A container needed more memory than its limit or its node has."
    CONTAINER_CRASHED = (
        "ContainerCrashed",
        "A container ended; the message has the engine's own error where it left one.",
    )

    # SLOMet
    MET = "Met", "Every objective is kept."
    MISSED = "Missed", "An objective is not kept; the message has what was measured."
    NOT_JUDGED = (
        "NotJudged",
        "The engines judge no requests: they run without Setpoint's plugin, or have yet to see the promise.",
    )
    HISTOGRAM_TOO_COARSE = (
        "HistogramTooCoarse",
        "The engines judge no requests, and the edges of vLLM's histogram are too far apart to tell.",
    )

    # SLOMet and Tuning
    NOT_ENOUGH_TRAFFIC = "NotEnoughTraffic", "There were too few requests to tell."
    SIGNAL_LOST = "SignalLost", "What the engines tell is missing, too old, or contradicts itself."
    NO_PROMETHEUS = (
        "NoPrometheus",
        "Setpoint is not told where Prometheus is, so nothing is known of the engines.",
    )

    # Tuning
    DISABLED = "Disabled", "tuning.mode is Disabled."
    RECOMMENDING = "Recommending", "Nothing is moved; status.tuning says what Auto would do."
    GUARDING = "Guarding", "A limit is off its start value to keep the promise."
    HOLDING = (
        "Holding",
        "All limits are at their start values, or what was changed has yet to show what it does.",
    )
    FROZEN = "Frozen", "Something else moves the limits of an engine; Setpoint moves none until it stops."
    UNSUPPORTED = "Unsupported", "The limits of an engine cannot be moved, or it does not follow."
    KILL_SWITCH = "KillSwitch", "The administrator has put every engine back to its start values."
