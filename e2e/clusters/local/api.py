"""The few requests that `up` makes of the API server, with no client library and past any HTTP proxy."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0


class Api:
    """The API server at `server` (https://host:port), as anybody, or as the holder of a certificate.

    `holder` is the path of the certificate and of its key, without .crt and .key.
    """

    def __init__(self, server: str, *, authority: Path, holder: Path | None = None) -> None:
        self._server = urlsplit(server).netloc
        self._tls = ssl.create_default_context(cafile=str(authority))
        if holder is not None:
            self._tls.load_cert_chain(f"{holder}.crt", f"{holder}.key")

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded answer (JSON, else text); status 0 when nobody answers."""
        connection = http.client.HTTPSConnection(self._server, timeout=TIMEOUT_SECONDS, context=self._tls)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready."""
        return self.has("/readyz")

    def has(self, path: str) -> bool:
        """Whether something is at `path`."""
        return self.request("GET", path)[0] == http.client.OK

    def create(self, collection: str, body: object) -> bool:
        """Create an object; whether it is there now."""
        return self.request("POST", collection, body)[0] in {http.client.CREATED, http.client.CONFLICT}

    def is_node_ready(self) -> bool:
        """Whether there is a node, and every one is Ready."""
        status, answer = self.request("GET", "/api/v1/nodes")
        if status != http.client.OK or not answer["items"]:
            return False
        return all(
            any(
                each["type"] == "Ready" and each["status"] == "True"
                for each in item["status"].get("conditions", ())
            )
            for item in answer["items"]
        )
