"""Names that can be found again: deterministic, within AWS's 32 characters, readable at their start. Pure."""

from __future__ import annotations

import hashlib
import re

_GENERATED = re.compile(r"^k8s-[a-z0-9]{0,8}-[0-9a-f]{8}-[0-9a-f]{10}$")


def owner_mark(uid: str) -> str:
    """Eight characters that stand for the owner in every name of its resources."""
    return hashlib.sha256(uid.encode()).hexdigest()[:8]


def resource_name(service: str, uid: str, *inputs: object) -> str:
    """A name; what can't be changed in place belongs into `inputs`, so that a change makes a new resource."""
    short = re.sub(r"[^a-z0-9]", "", service.lower())[:8]
    digest = hashlib.sha256("\0".join(map(str, (uid, *inputs))).encode()).hexdigest()[:10]
    return f"k8s-{short}-{owner_mark(uid)}-{digest}"


def may_belong_to(name: str, uid: str) -> bool:
    """Whether a resource of this name may be the owner's; its tags decide. A name that people chose may be."""
    return not is_generated(name) or f"-{owner_mark(uid)}-" in name


def is_generated(name: str) -> bool:
    """Whether a name was made here."""
    return bool(_GENERATED.match(name))
