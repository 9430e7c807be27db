"""What is wanted: resources, the references between them, and who owns them. Pure values that serialise to JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.errors import CloudError
from cloudk8s.machinery.codec import encode_canonical

CLUSTER_TAG = "cloudk8s.io/cluster"
OWNER_TAG = "cloudk8s.io/owner"
OWNER_NAME_TAG = "cloudk8s.io/owner-name"
RESOURCE_TAG = "cloudk8s.io/resource"


class StackError(CloudError):
    """The stack itself is wrong: a key twice, a reference to nothing, a cycle."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for an attribute that another resource of the stack has once it is made."""

    key: str
    attribute: str = "id"

    def as_dict(self) -> dict[str, str]:
        return {"$ref": self.key, "attribute": self.attribute}


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whose resources these are. Ownership is the cluster's id and the owner's UID, never a name."""

    cluster: str
    uid: str
    name: str = ""
    """For people: `service default/web`, `cluster prod`."""

    def tags(self, key: str) -> dict[str, str]:
        """The tags that mark a resource as this owner's."""
        tags = {CLUSTER_TAG: self.cluster, OWNER_TAG: self.uid, RESOURCE_TAG: key}
        return tags | {OWNER_NAME_TAG: self.name} if self.name else tags


@dataclass(frozen=True, slots=True)
class Resource:
    """One wanted resource; `key` is unique in the stack and stays the same from run to run.

    Properties are JSON values and `Ref`s. What can't be changed later and still must be replaced without a gap belongs
    into the key: then the new one is made first, users of the old one move over, and the old one goes.
    """

    type: str
    key: str
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    after: tuple[str, ...] = ()
    """Keys of resources that must be ready first although no property refers to them."""

    def references(self) -> frozenset[str]:
        """Keys of the resources that this one needs."""
        return frozenset(ref.key for ref in find_refs(self.properties)) | frozenset(self.after)


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that one owner wants. Build it with a pure function; compare and store it as JSON."""

    owner: Owner
    resources: tuple[Resource, ...] = ()

    def __post_init__(self) -> None:
        keys = [resource.key for resource in self.resources]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        if twice:
            raise StackError(f"{self.owner.name or self.owner.uid}: resource {', '.join(twice)} is declared twice")
        known = set(keys)
        for resource in self.resources:
            if missing := resource.references() - known:
                raise StackError(
                    f"resource {resource.key} refers to {', '.join(sorted(missing))}, which is not declared"
                )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, with references as `{"$ref": key, "attribute": name}`."""
        owner = {"cluster": self.owner.cluster, "uid": self.owner.uid, "name": self.owner.name}
        resources = []
        for resource in self.resources:
            entry: dict[str, Any] = {
                "type": resource.type,
                "key": resource.key,
                "properties": dump(resource.properties),
            }
            resources.append(entry | ({"after": list(resource.after)} if resource.after else {}))
        return {"owner": owner, "resources": resources}

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Stack:
        """The stack that `as_dict` wrote down."""
        resources = (
            Resource(entry["type"], entry["key"], load(entry["properties"]), tuple(entry.get("after", ())))
            for entry in value["resources"]
        )
        return Stack(Owner(**value["owner"]), tuple(resources))

    @property
    def digest(self) -> str:
        """Equal for equal stacks, in any process."""
        return digest(self.as_dict())


def find_refs(value: Any) -> Iterator[Ref]:
    """All references inside a property value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from find_refs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from find_refs(item)


def dump(value: Any) -> Any:
    """A property value as JSON."""
    if isinstance(value, Ref):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    return value


def load(value: Any) -> Any:
    """The property value that `dump` wrote down."""
    if isinstance(value, Mapping):
        if set(value) == {"$ref", "attribute"}:
            return Ref(value["$ref"], value["attribute"])
        return {key: load(item) for key, item in value.items()}
    if isinstance(value, list):
        return [load(item) for item in value]
    return value


def digest(value: Any) -> str:
    """A short stable hash of a JSON value."""
    return hashlib.sha256(encode_canonical(value)).hexdigest()[:32]
