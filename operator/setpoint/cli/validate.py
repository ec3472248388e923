"""`setpoint validate`: every fault of every InferenceService in the files, without a cluster."""

import sys

from setpoint.api.inferenceservice import GROUP, KIND
from setpoint.cli.check import check
from setpoint.cli.documents import Document, DocumentError, read_documents
from setpoint.cli.output import write
from setpoint.cli.submitted import API_VERSION
from setpoint.settings import Settings


def validate(paths: list[str], settings: Settings) -> int:
    """Print what is wrong to standard error, then what is right to standard output; return the exit status.

    0: all are valid. 1: one has a fault. 2: a file cannot be read, or none has a service. Raises OutputError,
    when every fault is told.
    """
    services, unreadable = inference_services(paths)
    valid: list[str] = []
    for document in services:
        faults = check(document.object, settings).faults
        for fault in faults:
            print(f"{document.source}: {fault}", file=sys.stderr)
        if not faults:
            valid.append(f"{document.source}: {document.object['metadata']['name']}: valid\n")
    if unreadable:
        print(unreadable, file=sys.stderr)
    if valid:
        write("".join(valid))
    return 2 if unreadable else int(len(valid) < len(services))


def inference_services(paths: list[str]) -> tuple[list[Document], DocumentError | None]:
    """Return the InferenceServices of the files, and what cannot be read or that there is none.

    What else stands in the files is named and passed over.
    """
    documents: list[Document] = []
    errors: list[str] = []
    for path in paths:
        try:
            documents += read_documents(path)
        except DocumentError as error:
            errors.append(str(error))
    services = [document for document in documents if _is_ours(document)]
    if not services and not errors:
        errors.append(f"{', '.join(paths)}: no {KIND} of {API_VERSION}: name a file that has one")
    return services, DocumentError("\n".join(errors)) if errors else None


def _is_ours(document: Document) -> bool:
    api_version, kind = (str(document.object.get(key) or "") for key in ("apiVersion", "kind"))
    # Whatever says our group, or no group at all, was meant for us: a slip in the rest is a fault to be told.
    if api_version.partition("/")[0] == GROUP or not (api_version and kind):
        return True
    print(f"{document.source}: {api_version} {kind}: passed over, not {API_VERSION} {KIND}", file=sys.stderr)
    return False
