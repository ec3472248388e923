import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.redaction import redact


@pytest.mark.parametrize(
    "text",
    [
        "401 for hf_s3cretS3cret",
        "key sk-s3cretS3cret was refused",
        "clone with glpat-s3cretS3cret",
        "header Authorization: Bearer s3cretS3cret",
        "GET https://user:s3cretS3cret@hub.example/x failed",
        "arguments: --api-key=s3cretS3cret",
        "HF_TOKEN=s3cretS3cret",
        "password=s3cretS3cret",
    ],
)
def test_a_credential_of_a_known_form_is_taken_out(text: str) -> None:
    assert "s3cretS3cret" not in redact(text)


def test_what_stands_around_a_credential_stays() -> None:
    assert redact("GET https://a:b@hub.example/x: 401") == "GET https://[redacted]@hub.example/x: 401"


@given(st.text(alphabet="abc xyz.,:'0123", max_size=200))
def test_a_text_without_credentials_is_unchanged(text: str) -> None:
    assert redact(text) == text
