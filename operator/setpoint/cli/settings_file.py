"""The administrator's settings from a file, as the chart mounts it for the operator."""

from pydantic import ValidationError

from setpoint.cli.documents import DocumentError, read_documents
from setpoint.cli.explain import path_text
from setpoint.settings import Settings


def read_settings(path: str | None) -> Settings:
    """Return the settings in a file; the chart's defaults without one.

    Raises DocumentError when the file cannot be read or has a field or value that settings do not have.
    """
    if path is None:
        return Settings()
    try:
        return Settings.model_validate(read_documents(path)[0].object)
    except ValidationError as error:
        faults = [f"{path_text(each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)]
        raise DocumentError(f"{path}: {'; '.join(faults)}") from error
