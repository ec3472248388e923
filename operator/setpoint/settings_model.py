"""The form that all settings of an administrator have in a file."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class SettingsModel(BaseModel):
    """Fields in camelCase, none that is not known, and no change after reading."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        frozen=True,
        extra="forbid",
        # A refused URL of Prometheus may hold a password.
        hide_input_in_errors=True,
    )
