"""The local cluster's API server is on this machine, where no HTTP proxy can reach it."""

import os

import pytest

from e2e.clusters.local import cluster


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_server", lambda: "https://10.245.0.2:6443")
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        # Set first, so that what the code sets is taken back at the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("no_proxy", "extended"), [(None, "10.245.0.2"), ("example.com", "example.com,10.245.0.2")]
)
def test_what_this_process_starts_passes_by_the_proxy(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str | None, extended: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    if no_proxy:
        monkeypatch.setenv("NO_PROXY", no_proxy)

    cluster._pass_by_proxy()

    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (extended, extended)


@pytest.mark.parametrize("environment", [{}, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.245.0.2"}])
def test_an_environment_in_which_nothing_is_in_the_way_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    cluster._pass_by_proxy()

    assert os.environ.get("NO_PROXY") == environment.get("NO_PROXY")
    assert capsys.readouterr().err == ""
