"""Which existing volumes can serve a claim: size, modes, class, selector; the smallest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of, spec_of, status_of, uid_of
from cloudk8s.machinery import labels, quantity
from cloudk8s.scheduler.volumes.storage import Storage, class_name


def requested(claim: Object) -> int:
    """Bytes that a claim wants."""
    resources: Mapping[str, object] = spec_of(claim).get("resources") or {}
    requests = resources.get("requests")
    return quantity.parse(requests.get("storage", "0")).value if isinstance(requests, dict) else 0


def capacity(volume: Object) -> int:
    """Bytes that a volume has."""
    return quantity.parse((spec_of(volume).get("capacity") or {}).get("storage", "0")).value


def matching_volumes(claim: Object, storage: Storage, taken: Mapping[str, str]) -> list[Object]:
    """The volumes that can serve a claim, the one that is kept for it first, then the smallest.

    `taken` says for which claim, by UID, a volume is already meant.
    """
    wanted = requested(claim)
    found = []
    for volume in storage.volumes_in_class(class_name(claim)):
        if taken.get(name_of(volume), uid_of(claim)) != uid_of(claim) or capacity(volume) < wanted:
            continue
        if fits(claim, volume):
            found.append(volume)
    return sorted(found, key=lambda volume: (not spec_of(volume).get("claimRef"), capacity(volume), name_of(volume)))


def fits(claim: Object, volume: Object) -> bool:
    """Whether a volume could serve a claim of its class, size apart, and is free for it."""
    want, have = spec_of(claim), spec_of(volume)
    if is_deleting(volume) or (want.get("volumeMode") or "Filesystem") != (have.get("volumeMode") or "Filesystem"):
        return False
    if (want.get("volumeAttributesClassName") or "") != (have.get("volumeAttributesClassName") or ""):
        return False
    if not set(want.get("accessModes") or ()) <= set(have.get("accessModes") or ()):
        return False
    if (reference := have.get("claimRef")) is not None:
        return _is_for(reference, claim)
    if status_of(volume).get("phase") != "Available":
        return False
    selector = want.get("selector")
    return selector is None or labels.from_object(selector).matches(labels_of(volume))


def _is_for(reference: Mapping[str, str], claim: Object) -> bool:
    metadata = claim["metadata"]
    if (reference.get("namespace"), reference.get("name")) != (metadata.get("namespace"), metadata["name"]):
        return False
    return reference.get("uid") in (None, "", uid_of(claim))


def assign(claims: Iterable[tuple[Object, list[Object]]]) -> dict[str, Object] | None:
    """A volume for each claim, by UID, none twice; None if one gets none. Candidates are in order of preference."""
    chosen: dict[str, Object] = {}
    used: set[str] = set()
    for claim, candidates in claims:
        volume = next((item for item in candidates if name_of(item) not in used), None)
        if volume is None:
            return None
        used.add(name_of(volume))
        chosen[uid_of(claim)] = volume
    return chosen
