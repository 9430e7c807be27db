"""Small accessors of objects as plain JSON: reading never fails on what is absent, and nothing is changed.

Every event calls them some hundred times, so they do nothing that can be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object, Resource


def key_of(obj: Object) -> str:
    """`namespace/name`, or just the name of what lives in no namespace; the key of caches and queues."""
    metadata = obj["metadata"]
    namespace, name = metadata.get("namespace"), metadata["name"]
    return f"{namespace}/{name}" if namespace else name


def key(namespace: str, name: str) -> str:
    """The key of an object by its names."""
    return f"{namespace}/{name}" if namespace else name


def split_key(key: str) -> tuple[str, str]:
    """Namespace and name of a key; the namespace is empty where there is none."""
    namespace, _, name = key.rpartition("/")
    return namespace, name


def name_of(obj: Object) -> str:
    return obj["metadata"]["name"]  # type: ignore[no-any-return]


def namespace_of(obj: Object) -> str:
    return obj["metadata"].get("namespace", "")  # type: ignore[no-any-return]


def uid_of(obj: Object) -> str:
    return obj["metadata"].get("uid", "")  # type: ignore[no-any-return]


def resource_version_of(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


def version_number_of(obj: Object) -> int:
    """Larger after each change; 0 where the server's versions are not numbers."""
    text = resource_version_of(obj)
    return int(text) if text.isdigit() else 0


def labels_of(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def finalizers_of(obj: Object) -> Sequence[str]:
    return obj["metadata"].get("finalizers") or ()


def owner_references_of(obj: Object) -> Sequence[Mapping[str, Any]]:
    return obj["metadata"].get("ownerReferences") or ()


def owner_uids(obj: Object) -> Iterable[str]:
    """The UIDs of all owners; an index function."""
    return [reference["uid"] for reference in owner_references_of(obj)]


def controller_of(obj: Object) -> Mapping[str, Any] | None:
    """The owner reference with `controller: true`, if there is one."""
    references: Sequence[Mapping[str, Any]] | None = obj["metadata"].get("ownerReferences")
    if references:
        for reference in references:
            if reference.get("controller"):
                return reference
    return None


def controller_uids(obj: Object) -> Iterable[str]:
    """The UID of the managing controller, or nothing; an index function."""
    reference = controller_of(obj)
    return (reference["uid"],) if reference else ()


def is_controlled_by(obj: Object, owner: Object) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def is_deleting(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def spec_of(obj: Object) -> Mapping[str, Any]:
    return obj.get("spec") or {}


def status_of(obj: Object) -> Mapping[str, Any]:
    return obj.get("status") or {}


def condition(obj: Object, type: str) -> Mapping[str, Any] | None:
    """The status condition of that type."""
    status = obj.get("status")
    if status and (conditions := status.get("conditions")):
        for item in conditions:
            if item.get("type") == type:
                return item  # type: ignore[no-any-return]
    return None


def observed_generation(obj: Object) -> dict[str, int]:
    """What a condition says of the generation it is about; nothing where objects have none, as pods of old servers."""
    generation = obj["metadata"].get("generation")
    return {"observedGeneration": int(generation)} if generation else {}


def is_true(obj: Object, type: str) -> bool:
    """Whether the status condition of that type is "True"."""
    item = condition(obj, type)
    return item is not None and item.get("status") == "True"


def controller_reference(owner: Object, resource: Resource) -> dict[str, Any]:
    """The owner reference that a controller puts on what it makes, in upstream's field order."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def object_reference(obj: Object, resource: Resource | None = None) -> dict[str, Any]:
    """A core/v1 ObjectReference to an object, as events carry it."""
    metadata = obj["metadata"]
    reference = {
        "kind": resource.kind if resource else obj.get("kind", ""),
        "namespace": metadata.get("namespace", ""),
        "name": metadata.get("name", ""),
        "uid": metadata.get("uid", ""),
        "apiVersion": resource.api_version if resource else obj.get("apiVersion", ""),
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    return {name: value for name, value in reference.items() if value}
