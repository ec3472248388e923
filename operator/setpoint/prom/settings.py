"""Where Prometheus is, and what it asks of those who ask it."""

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from setpoint.settings_model import SettingsModel

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, 5.6.2."""
_HEADER_VALUE = re.compile(r"[!-~]([ -~]{0,254}[!-~])?")
_HEADERS_OF_OURS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
}


def _url(text: str) -> str:
    example = (
        "give http://HOST:PORT or https://HOST:PORT, perhaps with a path, such as http://prometheus:9090"
    )
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise PydanticCustomError("prometheus_url", "is no URL; {example}", {"example": example}) from None
    if url.username is not None or url.password is not None:
        # What follows the scheme is a secret, and stays out of the message.
        message = "{scheme}://... has credentials in it, which would be shown: give a tokenFile"
        raise PydanticCustomError("prometheus_url", message, {"scheme": url.scheme})
    fault = _url_fault(text, url)
    if fault:
        message = "{url} {fault}; {example}"
        raise PydanticCustomError(
            "prometheus_url", message, {"url": repr(text), "fault": fault, "example": example}
        )
    return text.rstrip("/")


def _url_fault(text: str, url: SplitResult) -> str | None:
    if url.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    if not url.hostname:
        return "names no host"
    if "?" in text or "#" in text:
        return "has a query or a fragment"
    if not re.fullmatch(r"[!-~]+", text):
        return "has a character that a URL cannot have"
    return None


def _absolute(path: Path) -> Path:
    if path.is_absolute():
        return path
    message = "{path} must be an absolute path, such as /etc/setpoint/prometheus/token"
    raise PydanticCustomError("absolute_path", message, {"path": repr(str(path))})


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) and name.lower() not in _HEADERS_OF_OURS:
        return name
    message = "{name} must be the name of a header of its own, such as X-Scope-OrgID"
    raise PydanticCustomError("header_name", message, {"name": repr(name)})


def _header_value(value: str) -> str:
    if _HEADER_VALUE.fullmatch(value):
        return value
    message = (
        "{value} must be 1 to 256 printable ASCII characters without a space at the ends, such as team-a"
    )
    raise PydanticCustomError("header_value", message, {"value": repr(value)})


File = Annotated[Path, AfterValidator(_absolute)]


class Tenant(SettingsModel):
    """Whose series are asked for, where several share one Prometheus (Mimir, Cortex, Thanos, Loki)."""

    header: Annotated[str, AfterValidator(_header_name)] = "X-Scope-OrgID"
    """Name of the HTTP header that says it."""
    value: Annotated[str, AfterValidator(_header_value)]
    """What the header says."""


class PrometheusSettings(SettingsModel):
    """How Prometheus, or what answers like it, is reached. Certificates are always verified."""

    url: Annotated[str, AfterValidator(_url)]
    """Its address, as a browser has it, without credentials and without /api/v1."""
    timeout_seconds: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] = 10.0
    """How long one query may take, from connecting until the last byte of the answer."""
    token_file: File | None = None
    """File with the bearer token, read anew for each query. Only with https."""
    ca_file: File | None = None
    """PEM file of the authorities that may have signed its certificate; the public ones without it."""
    client_certificate_file: File | None = None
    """PEM file of the certificate, and what it was signed by, that is shown to Prometheus."""
    client_key_file: File | None = None
    """PEM file of its private key."""
    tenant: Tenant | None = None
    """Whose series are asked for; everybody's without it."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.client_certificate_file is None) != (self.client_key_file is None):
            raise PydanticCustomError(
                "client_certificate",
                "clientCertificateFile and clientKeyFile need one another: give both, or neither",
            )
        if self.url.lower().startswith("http://"):
            for field in ("token_file", "ca_file", "client_certificate_file"):
                if getattr(self, field) is not None:
                    message = "{field} needs https: over {url} others can read what is sent"
                    raise PydanticCustomError(
                        "https_needed", message, {"field": to_camel(field), "url": self.url}
                    )
        return self
