"""providerIDs of AWS nodes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEME = "aws"
_INSTANCE = re.compile(r"^i-[0-9a-f]{4,}$")
_ZONE = re.compile(r"^([a-z]{2}(?:-[a-z]+)+-\d+)([a-z]?)")


@dataclass(frozen=True, slots=True)
class ProviderId:
    """A parsed providerID. `instance` is empty for what is no EC2 instance (Fargate)."""

    instance: str
    zone: str = ""

    @property
    def region(self) -> str:
        """The zone's region; empty where the zone is not known."""
        match = _ZONE.match(self.zone)
        return match.group(1) if match else ""


def parse(text: str) -> ProviderId | None:
    """`aws:///<zone>/<id>`, `aws:////<id>` or a bare id; None for another cloud's, or what is none at all."""
    if _INSTANCE.match(text):
        return ProviderId(text)
    scheme, separator, rest = text.partition("://")
    if scheme != SCHEME or not separator:
        return None
    parts = rest.split("/")
    zone = parts[1] if len(parts) > 2 else ""
    return ProviderId(parts[-1] if _INSTANCE.match(parts[-1]) else "", zone)


def instance_of_name(name: str) -> str:
    """The instance's id where the node is named by it; anything after the first dot is ignored."""
    head = name.partition(".")[0]
    return head if _INSTANCE.match(head) else ""


def make(zone: str, instance: str) -> str:
    """The providerID of an instance."""
    return f"{SCHEME}:///{zone}/{instance}"
