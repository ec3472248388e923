import re
from collections.abc import Iterator
from typing import Any

from setpoint.api.crd import inference_service_crd, tuning_checkpoint_crd
from setpoint.api.reasons import Reason
from setpoint.api.reference import inference_service_reference, tuning_checkpoint_reference
from tests.api.test_rules import rules_of_crd

PAGE = inference_service_reference()
ROWS = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))


def fields_of(schema: dict[str, Any]) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from fields_of(field.get("items", field))


def test_every_field_stands_in_a_table() -> None:
    schema = inference_service_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    properties = schema["properties"]
    assert {name for part in ("spec", "status") for name in fields_of(properties[part])} <= ROWS


def test_every_rule_and_every_reason_is_said() -> None:
    assert [rule["message"] for rule in rules_of_crd() if rule["message"] not in PAGE] == []
    assert set(Reason) <= ROWS


def test_the_page_of_the_checkpoint_has_its_fields_and_rules() -> None:
    page = tuning_checkpoint_reference()
    schema = tuning_checkpoint_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert [name for name in fields_of(schema["properties"]["spec"]) if f"| `{name}` |" not in page] == []
    assert "- `maxNumSeqs` must be at most maxNumBatchedTokens" in page


def test_every_link_leads_to_a_heading() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert links <= anchors
    assert len(links) > 5
