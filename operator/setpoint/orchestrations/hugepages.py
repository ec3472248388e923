"""Huge pages in a pod: the resource that asks for them, and the volume that brings them to the engine."""

from dataclasses import dataclass

from setpoint.api.inferenceservice import HugePages
from setpoint.api.scalars import quantity_bytes


@dataclass(frozen=True, slots=True)
class HugePagesMount:
    """Huge pages of one size, under the names that Kubernetes has for them."""

    resource: str
    amount: str
    volume: str
    medium: str
    path: str


def mount(pages: HugePages) -> HugePagesMount:
    """Return the names for pages of one size.

    Nodes name a size by its largest unit (k8s.io/component-helpers, resource.HugePageResourceName), so
    pages of 2048Ki are asked for as hugepages-2Mi: no node has hugepages-2048Ki.
    """
    size = _in_largest_unit(pages.page_size)
    name = f"hugepages-{size}"
    return HugePagesMount(name, pages.size, name.lower(), f"HugePages-{size}", f"/dev/{name}")


def _in_largest_unit(quantity: str) -> str:
    amount = quantity_bytes(quantity) // 1024
    for unit in ("Ki", "Mi", "Gi"):
        if amount % 1024:
            return f"{amount}{unit}"
        amount //= 1024
    return f"{amount}Ti"
