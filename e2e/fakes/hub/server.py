"""The Hub's HTTP routes over repositories in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Repository:
    """A model repository with one commit on its one branch."""

    name: str
    files: Mapping[str, bytes]
    gated: bool = False

    @cached_property
    def commit(self) -> str:
        """The commit's id: 40 hexadecimal digits that follow from the files."""
        digest = hashlib.sha1(usedforsecurity=False)
        for path, content in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + content)
        return digest.hexdigest()

    def listing(self) -> list[dict[str, Any]]:
        """The tree of the commit, as the API lists it."""
        return [
            {"type": "file", "path": path, "size": len(content), "oid": etag(content)}
            for path, content in sorted(self.files.items())
        ]


class Hub:
    """Serves repositories. `token` may read gated ones, `token_without_access` belongs to an account that may
    not.
    """

    def __init__(
        self,
        repositories: list[Repository],
        token: str | None = None,
        token_without_access: str | None = None,
    ) -> None:
        self._repositories = {repository.name: repository for repository in repositories}
        self._token = token
        self._tokens = {token for token in (token, token_without_access) if token}

    def application(self) -> web.Application:
        """The routes as an aiohttp application."""
        application = web.Application()
        model = "/api/models/{owner}/{name}"
        application.router.add_get(model, self._info)
        application.router.add_get(model + "/revision/{revision}", self._info)
        application.router.add_get(model + "/tree/{revision}{folder:(/.*)?}", self._tree)
        application.router.add_get("/{owner}/{name}/resolve/{revision}/{path:.+}", self._resolve)
        return application

    async def _info(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        return web.json_response({
            "_id": repository.commit[:24], "id": repository.name, "modelId": repository.name,
            "sha": repository.commit, "private": False, "gated": "manual" if repository.gated else False,
            "disabled": False, "downloads": 0, "likes": 0, "tags": ["safetensors", "llama"],
            "pipeline_tag": "text-generation", "library_name": "transformers",
            "siblings": [{"rfilename": path} for path in sorted(repository.files)],
        })  # fmt: skip

    async def _tree(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        self._check_access(request, repository)
        folder = request.match_info["folder"].strip("/")
        if folder:  # there are none
            raise _refusal(web.HTTPNotFound, "EntryNotFound", f"{folder} does not exist on {repository.name}")
        return web.json_response(repository.listing())

    async def _resolve(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        self._check_access(request, repository)
        content = repository.files.get(request.match_info["path"])
        commit = {"X-Repo-Commit": repository.commit}
        if content is None:
            raise _refusal(web.HTTPNotFound, "EntryNotFound", "Entry not found", commit)
        headers = {**commit, "ETag": f'"{etag(content)}"', "Accept-Ranges": "bytes"}
        part = request.http_range
        if part.start is None and part.stop is None:
            return web.Response(body=content, headers=headers, content_type="application/octet-stream")
        start, stop, _ = part.indices(len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        return web.Response(status=206, body=content[start:stop], headers=headers)

    def _repository(self, request: web.Request) -> Repository:
        """The repository asked for; the Hub hides from a stranger whether one exists."""
        given = _bearer(request)
        if given and given not in self._tokens:
            raise _refusal(web.HTTPUnauthorized, None, "Invalid credentials in Authorization header")
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self._repositories.get(name)
        if repository is None:
            kind = web.HTTPNotFound if given else web.HTTPUnauthorized
            raise _refusal(kind, "RepoNotFound", "Repository not found")
        if request.match_info.get("revision", "main") not in {"main", repository.commit}:
            raise _refusal(
                web.HTTPNotFound, "RevisionNotFound", f"Invalid rev id: {request.match_info['revision']}"
            )
        return repository

    def _check_access(self, request: web.Request, repository: Repository) -> None:
        """Only a token with access reads a gated repository's files; anyone may see that it is there."""
        if not repository.gated or (self._token and _bearer(request) == self._token):
            return
        restricted = f"Access to model {repository.name} is restricted"
        if _bearer(request):
            message = f"{restricted} and you are not in the authorized list."
            raise _refusal(web.HTTPForbidden, "GatedRepo", message)
        message = (
            f"{restricted}. You must have access to it and be authenticated to access it. Please log in."
        )
        raise _refusal(web.HTTPUnauthorized, "GatedRepo", message)


def etag(content: bytes) -> str:
    """The id that git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _refusal(
    kind: type[web.HTTPNotFound | web.HTTPUnauthorized | web.HTTPForbidden],
    code: str | None,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> web.HTTPClientError:
    extra = {**(headers or {}), "X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return kind(headers=extra, text=message)
