"""Block volumes: asked for, made, and attached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VolumeState = Literal["creating", "available", "attaching", "attached", "detaching", "deleting", "error"]


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """One volume to be made; `uid` (of the claim) makes `create` safe to repeat."""

    uid: str
    name: str
    cluster: str
    size_gib: int
    zone: str = ""
    type: str = ""
    encrypted: bool = False
    snapshot: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Of the StorageClass."""

    @property
    def token(self) -> str:
        """An idempotency token: the same request has the same one, in any process."""
        return hashlib.sha256(f"volume/{self.cluster}/{self.uid}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume that a cluster owns."""

    id: str
    uid: str
    name: str
    size_gib: int
    state: VolumeState = "available"
    zone: str = ""
    attached_to: str = ""
    """providerID of the node it is attached to."""
    device: str = ""


@dataclass(frozen=True, slots=True)
class VolumeCapabilities:
    """What a `Volumes` can do."""

    can_expand: bool = False
    can_snapshot: bool = False
    max_per_node: int = 0
    """0 is no limit."""
