"""JSON bodies as vLLM reads and writes them."""

import json

from aiohttp import web

from setpoint.simulator.http.answer import compact
from setpoint.simulator.http.completion_request import RefusedError


async def json_body(http: web.Request) -> object:
    """The request's body. Raises RefusedError when it is not JSON."""
    if http.content_type != "application/json":
        message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
        raise RefusedError(message, "Bad Request")
    try:
        return json.loads(await http.read())
    except json.JSONDecodeError as error:
        location = f"body.{error.pos}"
        detail = f"{{'type': 'json_invalid', 'loc': '{location}', 'msg': 'JSON decode error'}}"
        raise RefusedError(f"1 validation error:\n  {detail}", "Bad Request", location) from None
    except (UnicodeDecodeError, RecursionError):
        raise RefusedError("There was an error parsing the body", "Bad Request") from None


def json_response(data: object, status: int = 200) -> web.Response:
    """An answer in JSON."""
    return web.json_response(data, status=status, dumps=compact)
