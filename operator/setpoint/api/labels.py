"""The grammar of labels and annotations (k8s.io/apimachinery, util/validation), which every object has."""

import re

from setpoint.api.scalars import SUBDOMAIN

_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"((?=[^/]{{1,253}}/){SUBDOMAIN}/)?{_NAME}")
_VALUE = re.compile(rf"({_NAME})?")
_FORM = "at most 63 letters, digits, -, _ and dots, with a letter or digit at the ends"


def label_key_fault(key: str) -> str | None:
    """Return what is wrong with the key of a label, a clause that follows it; None when nothing is."""
    return None if _KEY.fullmatch(key) else f"has no valid key: {_FORM}, perhaps after a domain and /"


def annotation_key_fault(key: str) -> str | None:
    """Return what is wrong with the key of an annotation, whose domain may have capitals."""
    return label_key_fault(key.lower())


def label_value_fault(value: str) -> str | None:
    """Return what is wrong with the value of a label."""
    return None if _VALUE.fullmatch(value) else f"is no label's value: {_FORM}; annotations take more"
