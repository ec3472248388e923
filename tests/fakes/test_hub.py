"""The local Hub, through the real client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from e2e.fakes.hub.server import Hub, Repository

FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 10, "README.md": b"# hello\n"}


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[str]:
    hub = Hub(
        [Repository("acme/open", FILES), Repository("acme/gated", FILES, gated=True)],
        token="hf_reader", token_without_access="hf_other",
    )  # fmt: skip
    runner = web.AppRunner(hub.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def download(
    endpoint: str, folder: Path, repository: str = "acme/open", token: str | bool = False
) -> dict[str, bytes]:
    """The files that the real client fetches."""
    api = HfApi(endpoint=endpoint, token=token)
    path = Path(
        api.snapshot_download(repository, cache_dir=folder, allow_patterns=["*.json", "*.safetensors"])
    )
    return {file.name: file.read_bytes() for file in path.iterdir()}


async def test_the_real_client_fetches_a_snapshot(endpoint: str, tmp_path: Path) -> None:
    files = await asyncio.to_thread(download, endpoint, tmp_path)
    assert files == {name: FILES[name] for name in ("config.json", "model.safetensors")}


async def test_a_token_with_access_reads_a_gated_repository(endpoint: str, tmp_path: Path) -> None:
    files = await asyncio.to_thread(download, endpoint, tmp_path, "acme/gated", "hf_reader")
    assert files["config.json"] == FILES["config.json"]


@pytest.mark.parametrize(
    ("repository", "token", "error"),
    [
        ("acme/gated", False, GatedRepoError),
        ("acme/gated", "hf_other", GatedRepoError),
        ("acme/gated", "hf_unknown", HfHubHTTPError),
        ("acme/open", "hf_unknown", HfHubHTTPError),
        ("acme/nothing", False, RepositoryNotFoundError),
        ("acme/nothing", "hf_reader", RepositoryNotFoundError),
    ],
)
async def test_the_real_client_names_the_refusal(
    endpoint: str, tmp_path: Path, repository: str, token: str | bool, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await asyncio.to_thread(download, endpoint, tmp_path, repository, token)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (partial(HfApi.hf_hub_download, repo_id="acme/open", filename="nothing.json"), EntryNotFoundError),
        (partial(HfApi.model_info, repo_id="acme/open", revision="v9"), RevisionNotFoundError),
    ],
)
async def test_what_is_not_there_is_told_apart(
    endpoint: str, call: Callable[[HfApi], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await asyncio.to_thread(call, HfApi(endpoint=endpoint, token=False))


async def test_a_range_is_served_in_part(endpoint: str) -> None:
    async with ClientSession() as session:
        url = f"{endpoint}/acme/open/resolve/main/model.safetensors"
        async with session.get(url, headers={"Range": "bytes=10-19"}) as response:
            assert (response.status, await response.read()) == (206, bytes(range(10, 20)))
            assert response.headers["Content-Range"] == "bytes 10-19/2560"
