"""Credentials that others have put into a text, taken out before Setpoint repeats it.

An engine's last words, a kubelet's or an API server's message can hold what a user wrote into a URL or a
flag. This knows the common forms; what is shown is also cut short, and secrets that Setpoint itself handles
never come near a text.
"""

import re

_FORMS = (
    re.compile(r"\b(?:hf_|sk-|glpat-|ghp_|github_pat_|nvapi-)[A-Za-z0-9_-]{6,}"),
    re.compile(r"(?<=\bBearer )\S+", re.IGNORECASE),
    re.compile(r"(?<=://)[^/@\s]+(?=@)"),
    re.compile(r"(?i)(?<=token=|.word=|ecret=|i-key=|i_key=)\S+"),
)
"""Tokens by their issuers' prefixes, authorization headers, credentials of a URL, and values of telling
names.
"""


def redact(text: str) -> str:
    """Return the text with each credential of a known form replaced."""
    for form in _FORMS:
        text = form.sub("[redacted]", text)
    return text
