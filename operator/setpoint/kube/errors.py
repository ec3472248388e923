"""What a request to the API server can end in, by what the caller should do about it."""

# The names say what to do about it, not that it is an error.
# ruff: noqa: N818

from setpoint.kube.objects import Object


class ApiError(Exception):
    """The API server answered with an error, or did not answer (`status` 0)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{message} ({status} {reason})" if status else f"{message} ({reason})")
        self.status = status
        self.reason = reason
        self.message = message


class Conflict(ApiError):
    """The object is not what the request took it to be (409): look again, then decide again."""


class NotFound(ApiError):
    """There is no such object, or the API server does not know the kind (404)."""


class Rejected(ApiError):
    """The API server refuses this object as it stands (400, 413, 422): the same request will fail again."""


class Forbidden(ApiError):
    """The credentials do not allow it (401, 403), or an admission rule or a quota does not."""


class Expired(ApiError):
    """The resourceVersion or the list's continuation is too old for the API server (410): list anew."""


class Unavailable(ApiError):
    """The API server cannot answer now (5xx, 429, no connection, no answer in time): try again later."""


_UNKNOWN_FIELD = "failed to create typed patch object"
"""How the API server (1.37) begins its answer to an apply with a field that it does not know. It answers with
code 500, though the manifest is at fault and a retry is useless."""

_BY_STATUS: dict[int, type[ApiError]] = {
    400: Rejected,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    413: Rejected,
    422: Rejected,
}


def error_from_status(status: Object, code: int) -> ApiError:
    """The error for an answer of the API server: its Status object and its HTTP code."""
    reason = str(status.get("reason") or "Unknown")
    message = str(status.get("message") or f"the API server answered {code}")
    if message.startswith(_UNKNOWN_FIELD):
        return Rejected(code, reason, message)
    if code == 422 and any(c.get("field") == "metadata.uid" for c in _causes(status)):
        # An apply that carries a uid: the live object of that name is another one.
        return Conflict(code, reason, message)
    if code >= 500 or code == 429:
        return Unavailable(code, reason, message)
    return _BY_STATUS.get(code, ApiError)(code, reason, message)


def _causes(status: Object) -> list[Object]:
    return (status.get("details") or {}).get("causes") or []
