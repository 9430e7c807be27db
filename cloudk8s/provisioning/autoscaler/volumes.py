"""What the volumes of a pod ask of a node: where they can be reached or made, and what the node has to attach.

The rules are those of the scheduler's plugins VolumeBinding, VolumeZone, NodeVolumeLimits and VolumeRestrictions, for
nodes that are not there yet: only labels are known of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    is_deleting,
    key_of,
    name_of,
    owner_references_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.provisioning.autoscaler.volume_places import (
    Terms,
    class_terms,
    node_terms_of,
    space_terms,
    volume_terms,
)
from cloudk8s.scheduler.volumes.matching import capacity, fits, requested
from cloudk8s.scheduler.volumes.storage import NO_PROVISIONER, SELECTED_NODE, class_name, is_bound

ATTACHED: Final = "attachable-volumes-csi-"
"""Prefix of the resource that counts a driver's volumes on a node."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What all volumes of a pod ask together; equal for pods that may take each other's place."""

    places: tuple[Terms, ...] = ()
    """Of each, one term must match a node's labels."""
    attached: tuple[tuple[str, int], ...] = ()
    """Volumes to attach, by resource."""
    problem: str = ""
    """Why no node helps; empty if one does."""

    def are_met(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a node is where the volumes are, or can be."""
        return all(any(term.matches(name, labels) for term in terms) for terms in self.places)


NO_NEEDS: Final = Needs()


@dataclass(slots=True)
class Volumes:
    """Claims, volumes, classes and what drivers say, as they are; each volume that is free goes to one claim."""

    claims: Mapping[str, Object] = field(default_factory=dict)
    """By namespace and name."""
    volumes: Mapping[str, Object] = field(default_factory=dict)
    classes: Mapping[str, Object] = field(default_factory=dict)
    drivers: Mapping[str, Object] = field(default_factory=dict)
    capacities: list[Object] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    """Claims of pods that have nodes."""
    _taken: dict[str, str] = field(default_factory=dict)
    """Volumes that claims which wait will get, with the UIDs of these."""

    @staticmethod
    def of(
        claims: Iterable[Object], volumes: Iterable[Object], classes: Iterable[Object],
        drivers: Iterable[Object] = (), capacities: Iterable[Object] = (), running: Iterable[Object] = (),
    ) -> Volumes:  # fmt: skip
        """From lists; `running` are the pods that have nodes."""
        used = frozenset(key for pod in running for key, _ in claims_of(pod))
        by_key = {key_of(each): each for each in claims}
        return Volumes(by_key, _by_name(volumes), _by_name(classes), _by_name(drivers), list(capacities), used)

    def needs(self, pod: Object) -> Needs:
        """What the volumes of one pod ask; of pods that share a claim each one asks."""
        places: list[Terms] = []
        attached = Counter[str]()
        for key, is_own in claims_of(pod):
            claim = self.claims.get(key)
            if claim is None:
                return Needs(problem=f'persistentvolumeclaim "{key.partition("/")[2]}" not found')
            found = self._problem(key, claim, pod, is_own=is_own) or self._terms(claim)
            if isinstance(found, str):
                return Needs(problem=f'persistentvolumeclaim "{name_of(claim)}" {found}')
            places += found
            if driver := self._driver(claim):
                attached[ATTACHED + driver] += 1
        return Needs(tuple(dict.fromkeys(places)), tuple(sorted(attached.items())))

    def place_keys(self) -> set[str]:
        """Labels of nodes by which volumes and classes say where they are."""
        places = [terms for volume in self.volumes.values() for terms in volume_terms(volume)]
        places += [terms for kind in self.classes.values() for terms in class_terms(kind)]
        return {each.key for terms in places for term in terms for each in term.expressions if each.operator == "In"}

    def _problem(self, key: str, claim: Object, pod: Object, *, is_own: bool) -> str:
        """Why nobody, or not this pod, can use the claim."""
        if is_deleting(claim):
            return "is being deleted"
        if status_of(claim).get("phase") == "Lost":
            return "has lost its volume"
        if is_own and uid_of(pod) not in [each.get("uid") for each in owner_references_of(claim)]:
            return "was not made for the pod"
        is_single = "ReadWriteOncePod" in (spec_of(claim).get("accessModes") or ())
        if is_single and key in self.used and not spec_of(pod).get("nodeName"):
            return "is in use by the one pod that may use it"
        return ""

    def _terms(self, claim: Object) -> list[Terms] | str:
        """Where the claim's volume is or may be, or why it is nowhere."""
        volume, kind = spec_of(claim).get("volumeName"), self.classes.get(class_name(claim))
        if volume and is_bound(claim):
            return volume_terms(self.volumes[volume]) if volume in self.volumes else "has lost its volume"
        if volume or kind is None or kind.get("volumeBindingMode") != "WaitForFirstConsumer":
            return "is not bound yet, and waits for no pod"
        if node := annotations_of(claim).get(SELECTED_NODE):
            return node_terms_of(node)
        if kind.get("provisioner") not in (None, "", NO_PROVISIONER):
            return self._makeable(claim, kind)
        if (ready := self._ready(claim)) is None:
            return f"finds no volume of class {class_name(claim)} that is free"
        self._taken[name_of(ready)] = uid_of(claim)
        return volume_terms(ready)

    def _makeable(self, claim: Object, kind: Object) -> list[Terms] | str:
        """Where the class lets a volume be made, and its driver has space."""
        made = class_terms(kind)
        driver = self.drivers.get(kind["provisioner"])
        if driver is not None and spec_of(driver).get("storageCapacity"):
            room = space_terms(self.capacities, kind, requested(claim))
            if not room:
                return f"needs more space than {kind['provisioner']} reports"
            made.append(room)
        return made

    def _ready(self, claim: Object) -> Object | None:
        """The volume that is kept for the claim, or the smallest that is free and would do."""
        found = [
            volume for name, volume in self.volumes.items()
            if class_name(volume) == class_name(claim) and capacity(volume) >= requested(claim) and fits(claim, volume)
            and self._taken.get(name, uid_of(claim)) == uid_of(claim)
        ]  # fmt: skip
        return min(found, key=_preference, default=None)

    def _driver(self, claim: Object) -> str:
        """The CSI driver that attaches the claim's volume; empty for others."""
        volume = self.volumes.get(spec_of(claim).get("volumeName", ""))
        if volume is not None:
            return str((spec_of(volume).get("csi") or {}).get("driver", ""))
        provisioner = (self.classes.get(class_name(claim)) or {}).get("provisioner") or ""
        return "" if provisioner == NO_PROVISIONER else str(provisioner)


def claims_of(pod: Object) -> list[tuple[str, bool]]:
    """Keys of the claims that a pod's volumes refer to, and whether they are made for it alone."""
    metadata, found = pod["metadata"], []
    namespace = metadata.get("namespace", "")
    for volume in spec_of(pod).get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            found.append((f"{namespace}/{claim.get('claimName', '')}", False))
        elif "ephemeral" in volume:
            found.append((f"{namespace}/{metadata['name']}-{volume['name']}", True))
    return found


def _preference(volume: Object) -> tuple[bool, int, str]:
    return not spec_of(volume).get("claimRef"), capacity(volume), name_of(volume)


def _by_name(objects: Iterable[Object]) -> dict[str, Object]:
    return {name_of(each): each for each in objects}
