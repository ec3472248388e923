"""Huge pages are asked for by the names that nodes give them."""

import pytest

from setpoint.api.inferenceservice import HugePages
from setpoint.orchestrations.hugepages import HugePagesMount, mount


@pytest.mark.parametrize(
    ("page_size", "named"),
    [("2Mi", "2Mi"), ("2048Ki", "2Mi"), ("1024Mi", "1Gi"), ("64Ki", "64Ki"), ("1Ti", "1Ti")],
)
def test_a_page_size_is_named_in_its_largest_unit(page_size: str, named: str) -> None:
    pages = HugePages(page_size=page_size, size="64Ti")

    assert mount(pages) == HugePagesMount(
        resource=f"hugepages-{named}",
        amount="64Ti",
        volume=f"hugepages-{named}".lower(),
        medium=f"HugePages-{named}",
        path=f"/dev/hugepages-{named}",
    )
