"""vLLM: its command line, environment and health, and the flags that fields of an InferenceService stand for.

Read from vLLM 0.32.0: the model is the one positional argument of `vllm serve` (`--model` is deprecated
there), and the entry point of the images docker.io/vllm/vllm-openai is `vllm serve`.
"""

import math
from collections.abc import Iterator
from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.model_uri import HuggingFaceModel, parse_model_uri
from setpoint.api.reasons import Reason
from setpoint.api.scalars import duration_seconds
from setpoint.engines import arguments, vllm_plugin
from setpoint.engines.container import (
    HOME,
    LIMITS_PATH,
    MODEL_PATH,
    EngineContainer,
    literal,
    secret_variable,
    variable,
)
from setpoint.faults import Fault
from setpoint.settings import Settings

PORT = 8000
HEALTH_PATH = "/health"

_PLAIN_HTTP = "would take away the plain HTTP that the probes and the Service use: terminate TLS in a gateway"
_OWN_ADDRESS = "is Setpoint's to set, since the probes and the Service rely on it: remove it"
RESERVED_FLAGS = {
    "grpc": "would take away the HTTP API that the probes and the Service use: remove it",
    "headless": "would take away the HTTP API that the probes and the Service use: remove it",
    "hf-token": "would show the token to every reader: use spec.model.tokenSecretRef",
    "host": _OWN_ADDRESS,
    "model": "is spec.model.uri's to set: use that",
    "port": _OWN_ADDRESS,
    "revision": "is spec.model.uri's to set: write hf://ORGANISATION/NAME@REVISION there",
    "served-model-name": "is spec.model.name's to set: use that",
    "shutdown-timeout": "is spec.engine.drainTimeout's to set, with the pod's grace period: use that",
    "ssl-certfile": _PLAIN_HTTP,
    "ssl-keyfile": _PLAIN_HTTP,
    "tensor-parallel-size": "is spec.parallelism.tensor's to set, with the number of accelerators: use that",
    "uds": _OWN_ADDRESS,
}
"""Flags that engine.args may not name, each with what would happen and the remedy.

The schema refuses --api-key by itself, so that a key is never stored.
"""


def container(
    service: InferenceService, settings: Settings, *, takes_plugin: bool = False
) -> EngineContainer:
    """Return the container that runs `vllm serve` for a service, with the plugin switched on or not."""
    engine = service.spec.engine
    return EngineContainer(
        image=engine.image or f"{settings.vllm_image}:v{engine.version}",
        args=[
            *(literal(argument) for argument in _command_line(service)),
            *([vllm_plugin.MIDDLEWARE] if takes_plugin and not _has_middleware(engine.args) else []),
        ],
        env=list(_environment(service, settings)),
        port=PORT,
        health_path=HEALTH_PATH,
    )


def faults(service: InferenceService) -> list[Fault]:
    """Return what engine.args asks that vLLM cannot be given, a flag by its short or shortened name too."""
    return [*_malformed_arguments(service.spec.engine.args), *_reserved_flags(service.spec.engine.args)]


def _command_line(service: InferenceService) -> list[str]:
    source = parse_model_uri(service.spec.model.uri)
    drain_seconds = math.ceil(duration_seconds(service.spec.engine.drain_timeout))
    # --name=value throughout: a value is then never taken for a flag, and no flag takes what follows its
    # value.
    ours = [
        f"--served-model-name={service.served_model_name}",
        f"--port={PORT}",
        f"--tensor-parallel-size={service.spec.parallelism.tensor}",
        f"--shutdown-timeout={drain_seconds}",
        f"--disable-access-log-for-endpoints={HEALTH_PATH},/metrics",
    ]
    model = MODEL_PATH
    if isinstance(source, HuggingFaceModel):
        model = source.repository
        if source.revision:
            ours.append(f"--revision={source.revision}")
    return [model, *arguments.merge(ours, service.spec.engine.args)]


def _has_middleware(args: list[str]) -> bool:
    """Whether the service switches the plugin on by itself, as one does by hand."""
    return any(vllm_plugin.MIDDLEWARE.partition("=")[2] in argument for argument in args)


def _environment(service: InferenceService, settings: Settings) -> Iterator[dict[str, Any]]:
    # A user id without a passwd entry: getpass.getuser, which torch and vLLM call, fails without USER.
    yield variable("USER", "engine")
    yield variable("HOME", HOME)
    # Each by its own name, since images set some of them to folders below the read-only root.
    yield variable("XDG_CACHE_HOME", f"{HOME}/.cache")
    yield variable("HF_HOME", f"{HOME}/.cache/huggingface")
    yield variable("VLLM_CACHE_ROOT", f"{HOME}/.cache/vllm")
    yield variable("TORCHINDUCTOR_CACHE_DIR", f"{HOME}/.cache/torchinductor")
    yield variable("TRITON_CACHE_DIR", f"{HOME}/.cache/triton")
    yield variable("VLLM_NO_USAGE_STATS", "1")
    yield variable("DO_NOT_TRACK", "1")
    yield variable("SETPOINT_LIMITS_FILE", f"{LIMITS_PATH}/limits.json")
    yield variable("SETPOINT_LIMITS_ANNOTATION_FILE", f"{LIMITS_PATH}/annotation.json")
    if not isinstance(parse_model_uri(service.spec.model.uri), HuggingFaceModel):
        yield variable("HF_HUB_OFFLINE", "1")
    elif settings.hugging_face_endpoint:
        yield variable("HF_ENDPOINT", settings.hugging_face_endpoint)
    if service.spec.model.token_secret_ref:
        yield secret_variable("HF_TOKEN", service.spec.model.token_secret_ref)
    if service.spec.engine.api_key_secret_ref:
        yield secret_variable("VLLM_API_KEY", service.spec.engine.api_key_secret_ref)


def _malformed_arguments(args: list[str]) -> Iterator[Fault]:
    for index, argument in enumerate(args):
        field = f"spec.engine.args[{index}]"
        if argument == "--":
            remedy = (
                "ends the flags, and vllm serve takes nothing after them but the model, which is"
                " spec.model.uri's to set: remove it"
            )
            yield Fault(field, argument, remedy, Reason.INVALID_ARGUMENT)
        elif arguments.is_flag(argument) and any(space in argument.partition("=")[0] for space in " \t\n"):
            name = argument.split()[0]
            remedy = (
                "has a space after its dashes: take it out"
                if name in {"-", "--"}
                else f"is a flag and its value in one: write {name}=VALUE, or two items"
            )
            yield Fault(field, name + " ...", remedy, Reason.INVALID_ARGUMENT)
    if args and args[0] != "--" and not arguments.is_flag(args[0]):
        remedy = "belongs to no flag, and the model is spec.model.uri's to set: remove it"
        # The value is not told: it may be a key whose flag was lost.
        yield Fault("spec.engine.args[0]", "", remedy, Reason.INVALID_ARGUMENT)


def _reserved_flags(args: list[str]) -> Iterator[Fault]:
    for flag in arguments.flags(args):
        # argparse takes --por for --port. What is short for several flags it refuses, so that is no loss.
        reserved = next((name for name in RESERVED_FLAGS if flag.name and name.startswith(flag.name)), None)
        if reserved:
            written = flag.arguments[0].partition("=")[0]
            yield Fault(
                f"spec.engine.args[{flag.index}]", written, RESERVED_FLAGS[reserved], Reason.RESERVED_ARGUMENT
            )
