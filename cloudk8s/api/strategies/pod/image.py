"""Image references, as far as the pull policy depends on them."""

from __future__ import annotations

import re
from functools import lru_cache

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_match = re.compile(
    rf"(?:{_HOST}/)?{_NAME}(?:/{_NAME})*(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
).fullmatch
_IDENTIFIER = re.compile(r"[a-f0-9]{64}").fullmatch
"""What could be the digest of an image is no reference."""


@lru_cache(maxsize=2048)
def default_pull_policy(image: str) -> str:
    """`Always` for what moves (the tag `latest`, or none and no digest), else `IfNotPresent`."""
    match = _match(image)
    if match is None or _IDENTIFIER(image):
        return "IfNotPresent"
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"
