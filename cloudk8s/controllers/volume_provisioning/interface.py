"""What somebody who provides storage implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudk8s.client.interface import Object
from cloudk8s.errors import CloudK8sError


class ProvisioningError(CloudK8sError):
    """It did not work and is tried again; the message becomes an event."""


class WrongNode(ProvisioningError):
    """The volume can't be made where the scheduler wants the pod; it has to choose again."""


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """A volume that a claim waits for. `name` is that of the PersistentVolume and the same in every attempt."""

    name: str
    claim: Object
    storage_class: Object
    size: int
    """Bytes that are asked for."""
    node: Object | None = None
    """Where the scheduler wants the first pod; None where the class binds at once."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The class's parameters."""
        return self.storage_class.get("parameters") or {}


@dataclass(frozen=True, slots=True)
class ProvisionedVolume:
    """A volume that was made."""

    source: Mapping[str, Any]
    """The part of a PersistentVolume's spec that says what it is: {"local": {"path": …}}."""
    size: int
    """Bytes that it has; at least those that were asked for."""
    node_affinity: Mapping[str, Any] | None = None
    """`spec.nodeAffinity`; None where every node reaches the volume."""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expanded:
    """A volume that has grown."""

    size: int
    needs_node: bool = False
    """Whether its file system has still to grow, on the node."""


class Provisioner(Protocol):
    """Storage of one kind. Every method may be repeated with the same arguments, also after a crash in the middle.

    They raise ProvisioningError, or anything else, which counts as such.
    """

    name: str
    """What classes call it: their `provisioner`."""
    component: str
    """Who its events come from."""

    async def provision(self, wish: VolumeWish) -> ProvisionedVolume:
        """Make the volume, or find the one that an earlier attempt made."""

    async def delete(self, volume: Object) -> None:
        """Delete what is behind a PersistentVolume; absent is success."""

    async def expand(self, volume: Object, size: int) -> Expanded:
        """Let it grow to `size` bytes at least; raises ProvisioningError where it can't."""
