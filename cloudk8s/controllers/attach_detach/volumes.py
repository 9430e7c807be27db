"""Volumes that have to be attached: those of CSI drivers that do not say otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of
from cloudk8s.client.resources import VOLUME_ATTACHMENTS

_SHARED: Final = frozenset({"ReadWriteMany", "ReadOnlyMany"})

DriverOf = Callable[[str], Object | None]
"""The CSIDriver object of a name, if there is one."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What is attached. Two PersistentVolumes of one handle are one volume."""

    driver: str
    handle: str
    persistent_volume: str
    may_be_shared: bool
    """Whether several nodes may have it at once."""

    @property
    def unique_name(self) -> str:
        """As nodes report it."""
        return f"kubernetes.io/csi/{self.driver}^{self.handle}"

    def attachment_name(self, node: str) -> str:
        """The name that upstream gives the VolumeAttachment, so that either can go on where the other stopped."""
        return f"csi-{hashlib.sha256(f'{self.handle}{self.driver}{node}'.encode()).hexdigest()}"

    def attachment_to(self, node: str) -> Object:
        return {
            "apiVersion": VOLUME_ATTACHMENTS.api_version,
            "kind": VOLUME_ATTACHMENTS.kind,
            "metadata": {"name": self.attachment_name(node)},
            "spec": {
                "attacher": self.driver,
                "nodeName": node,
                "source": {"persistentVolumeName": self.persistent_volume},
            },
        }


def volume_of(persistent_volume: Object, driver_of: DriverOf) -> Volume | None:
    """What a PersistentVolume attaches; None if nothing is to be attached."""
    source = spec_of(persistent_volume).get("csi")
    if source is None:
        return None
    driver = driver_of(source["driver"])
    if driver is not None and spec_of(driver).get("attachRequired") is False:
        return None
    modes = spec_of(persistent_volume).get("accessModes") or ()
    may_be_shared = not modes or not _SHARED.isdisjoint(modes)
    return Volume(source["driver"], source["volumeHandle"], name_of(persistent_volume), may_be_shared)


def node_of_attachment(attachment: Object) -> str:
    return str(spec_of(attachment)["nodeName"])


def persistent_volume_of(attachment: Object) -> str:
    """The PersistentVolume that an attachment is about; empty for one that carries its volume inline."""
    return str((spec_of(attachment).get("source") or {}).get("persistentVolumeName") or "")
