"""Owner references that an object has twice: the second is dropped, with a word to the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudk8s.api.resource import Object

_TEXT: Final = (
    ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references in 1.20+, and may "
    "reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}"
)
_LATER: Final = " after mutating admission happens"


def drop_duplicate_owners(obj: Object, warn: Callable[[str], None], *, after_admission: bool = False) -> None:
    """Keep the first of equal owner references."""
    owners = obj["metadata"].get("ownerReferences")
    if not owners or len(owners) < 2:
        return
    kept: list[Any] = []
    again: list[str] = []
    for owner in owners:
        if owner in kept:
            again.append(owner.get("uid") or "")
        else:
            kept.append(owner)
    if again:
        obj["metadata"]["ownerReferences"] = kept
        warn(_TEXT.format(_LATER if after_admission else "", ", ".join(again)))
