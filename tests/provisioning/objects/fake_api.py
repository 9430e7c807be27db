"""An API that keeps objects in memory, for what blocks: the few calls that a ledger makes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.machinery.codec import copy


class FakeApi:
    """Objects by kind and name; resource versions and finalizers work as they do."""

    def __init__(self) -> None:
        self.objects: dict[Resource, dict[str, Object]] = {}
        self.writes: list[str] = []
        self._versions = itertools.count(1)

    def list(self, resource: Resource, *, namespace: str = "", fields: str = "") -> Sequence[Object]:
        return [copy(entry) for entry in self.objects.get(resource, {}).values()]

    def create(self, resource: Resource, obj: Object, *, name: str = "", subresource: str = "") -> Object:
        self.writes.append(f"create {resource.kind} {obj['metadata']['name']}")
        return self._keep(resource, {**obj, "metadata": {"uid": f"uid-{next(self._versions)}", **obj["metadata"]}})

    def update(self, resource: Resource, obj: Object, subresource: str = "") -> Object:
        name = obj["metadata"]["name"]
        self.writes.append(f"update {resource.kind} {name}")
        present = self._get(resource, name)
        if present["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self._keep(resource, {**obj, **({"status": present["status"]} if "status" in present else {})})

    def patch(
        self, resource: Resource, name: str, patch: Mapping[str, Any], *, namespace: str = "", subresource: str = ""
    ) -> Object:
        self.writes.append(f"patch {resource.kind} {name} {subresource}".rstrip())
        return self._keep(resource, _merged(self._get(resource, name), patch))

    def delete(self, resource: Resource, name: str, namespace: str = "") -> None:
        self.writes.append(f"delete {resource.kind} {name}")
        if (present := self.objects.get(resource, {}).get(name)) is None:
            return
        if present["metadata"].get("finalizers"):
            self.doom(resource, name)
        else:
            del self.objects[resource][name]

    def doom(self, resource: Resource, name: str, when: str = "2026-01-01T00:00:00Z") -> None:
        """Somebody deletes an object that has finalizers."""
        self.objects[resource][name]["metadata"]["deletionTimestamp"] = when

    def _get(self, resource: Resource, name: str) -> Object:
        try:
            return self.objects[resource][name]
        except KeyError:
            raise NotFound(f"{resource.plural} {name!r} not found") from None

    def _keep(self, resource: Resource, obj: Object) -> Object:
        kept = copy(obj)
        kept["metadata"]["resourceVersion"] = str(next(self._versions))
        kept["metadata"].setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        objects, name = self.objects.setdefault(resource, {}), kept["metadata"]["name"]
        objects[name] = kept
        if "deletionTimestamp" in kept["metadata"] and not kept["metadata"].get("finalizers"):
            del objects[name]
        answer: Object = copy(kept)
        return answer


def _merged(obj: Object, patch: Mapping[str, Any]) -> Object:
    found = dict(obj)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            found[key] = _merged(found.get(key) or {}, value)
        else:
            found[key] = value
    return found
