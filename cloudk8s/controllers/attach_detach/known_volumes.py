"""Volumes by the names of their PersistentVolumes, also when those are gone: they may still be attached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of
from cloudk8s.client.resources import CSI_DRIVERS, PERSISTENT_VOLUMES
from cloudk8s.controllers.attach_detach.volumes import Volume, volume_of

BY_UNIQUE_NAME: Final = "unique name"


class KnownVolumes:
    """Two PersistentVolumes of one handle are one volume, whose unique name nodes know."""

    def __init__(self, informers: Informers) -> None:
        self._drivers = informers.of(CSI_DRIVERS)
        self.informer = informers.of(PERSISTENT_VOLUMES)
        self.informer.add_index(BY_UNIQUE_NAME, unique_names)
        self._known: dict[str, Volume] = {}

    def named(self, name: str) -> Volume | None:
        """The volume of a PersistentVolume, if it is one that is attached."""
        persistent_volume = self.informer.get(name) if name else None
        if persistent_volume is None:
            return self._known.get(name)
        found = volume_of(persistent_volume, self._drivers.get)
        if found is not None:
            self._known[name] = found
        return found

    def persistent_volumes_of(self, unique_name: str) -> Sequence[Object]:
        """Those that are there."""
        return self.informer.by_index(BY_UNIQUE_NAME, unique_name)

    def of(self, unique_name: str) -> list[Volume]:
        """All PersistentVolumes that are this volume: those that are there first, then those that were."""
        names = sorted(map(name_of, self.persistent_volumes_of(unique_name)))
        names += sorted(name for name, known in self._known.items() if known.unique_name == unique_name)
        found = (self.named(name) for name in dict.fromkeys(names))
        return [volume for volume in found if volume is not None]

    def forget(self, volumes: Sequence[Volume]) -> None:
        """A PersistentVolume that is gone needs no memory once nothing of it is attached."""
        for volume in volumes:
            if self.informer.get(volume.persistent_volume) is None:
                self._known.pop(volume.persistent_volume, None)


def unique_names(persistent_volume: Object) -> Iterable[str]:
    """Index function."""
    source = spec_of(persistent_volume).get("csi")
    return (f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}",) if source else ()
