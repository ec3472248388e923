"""A service sees a folder of the node only where the administrator allows it."""

import pytest

from setpoint.node_paths import is_allowed, remedy


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/models", ["/srv/models"]),
        ("/srv/models/", ["/srv/models"]),
        ("/srv/models/llama", ["/data", "/srv/models/"]),
        ("//srv///models/./llama", ["/srv/models"]),
        ("/anything", ["/"]),
    ],
)
def test_an_allowed_folder_and_what_lies_under_it_may_be_seen(path: str, allowed: list[str]) -> None:
    assert is_allowed(path, allowed)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/models", []),
        ("/srv/models2", ["/srv/models"]),
        ("/srv", ["/srv/models"]),
        ("/srv/models/../../etc", ["/srv/models"]),
        ("srv/models", ["/"]),
        ("/srv/models", ["srv/models", ""]),
    ],
)
def test_no_other_folder_may_be_seen(path: str, allowed: list[str]) -> None:
    assert not is_allowed(path, allowed)


def test_the_remedy_names_the_value_of_the_chart_and_what_is_allowed() -> None:
    assert "allowedNodePaths" in remedy([])
    assert "/srv/models, /data" in remedy(["/srv/models", "/data"])
