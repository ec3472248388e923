import pytest

from setpoint.api.model_uri import (
    HuggingFaceModel,
    ModelSource,
    NodePathModel,
    VolumeClaimModel,
    parse_model_uri,
)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("hf://acme/chat", HuggingFaceModel("acme/chat", None)),
        ("hf://acme/chat-1.0_b@v1.2", HuggingFaceModel("acme/chat-1.0_b", "v1.2")),
        ("hf://acme/chat@refs/pr/3", HuggingFaceModel("acme/chat", "refs/pr/3")),
        ("pvc://models", VolumeClaimModel("models", "")),
        ("pvc://models.a/chat/v 1/", VolumeClaimModel("models.a", "chat/v 1")),
        ("file:///models/chat", NodePathModel("/models/chat")),
        ("file:///models/a@b", NodePathModel("/models/a@b")),
    ],
)
def test_a_uri_says_where_the_model_is(uri: str, source: ModelSource) -> None:
    assert parse_model_uri(uri) == source


@pytest.mark.parametrize(
    "uri", ["", "chat", "s3://a/b", "hf://a", "pvc://A", "file://a", "pvc://a/..", "hf://-a/b"]
)
def test_what_is_no_address_of_a_model_is_an_error(uri: str) -> None:
    with pytest.raises(ValueError, match="must be hf://"):
        parse_model_uri(uri)
