"""`setpoint render`: what the operator would apply for the InferenceServices in files, without a cluster."""

import sys
from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.cli.check import check
from setpoint.cli.output import write, yaml_documents
from setpoint.cli.validate import inference_services
from setpoint.orchestrations import deployment, live_limits
from setpoint.settings import Settings


def render(paths: list[str], settings: Settings) -> int:
    """Print the objects as YAML, each service's in the order of applying; return the exit status.

    0: all are rendered. 1: one has a fault; then the faults are told and nothing is printed. Raises
    DocumentError, and prints nothing but faults, when a file cannot be read or none has a service.
    """
    services, unreadable = inference_services(paths)
    checked = [(document, check(document.object, settings)) for document in services]
    faults = [f"{document.source}: {fault}" for document, result in checked for fault in result.faults]
    for line in faults:
        print(line, file=sys.stderr)
    if unreadable:
        raise unreadable
    if faults:
        return 1
    objects = [each for _, result in checked for each in rendered(result.service, settings)]
    write(yaml_documents(objects))
    return 0


def rendered(service: InferenceService, settings: Settings) -> list[dict[str, Any]]:
    """Return the objects of a service without faults, as a fresh operator would apply them.

    Without owner references: these need the uid that the API server gives to the InferenceService, and an
    object with an owner that does not exist is deleted. Without a namespace where the service names none, so
    that `kubectl apply -n` chooses it.
    """
    objects = deployment.children(
        service,
        owner={},
        template=deployment.pod_template(service, settings),
        revision=deployment.revision_of(service),
        limits=live_limits.limits_file(service, writer="", seen=(), generation=1),
    )
    for each in objects:
        del each["metadata"]["ownerReferences"]
        if "namespace" not in service.metadata.model_fields_set:
            del each["metadata"]["namespace"]
    return objects
