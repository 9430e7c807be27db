"""Writes objects on behalf of the API server itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.create import create
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.errors import AlreadyExists, Conflict
from cloudk8s.machinery import codec

_ATTEMPTS: Final = 8
SERVER = UserInfo("system:apiserver", groups=("system:masters", "system:authenticated"))


class Writer:
    """Creates and changes objects as `system:apiserver`; `manager` comes to own the fields."""

    def __init__(self, core: Core, manager: str = "kube-apiserver") -> None:
        self.core = core
        self._manager = manager

    def context(self, path: str = "/") -> RequestContext:
        """A request of the server to itself."""
        return RequestContext(SERVER, parse_path(path), Query(""), {"user-agent": self._manager})

    def find(self, obj: Object) -> Object | None:
        """The stored object of that kind and name, or None."""
        resource, metadata = self.resource(obj), obj["metadata"]
        record = self.core.store.get(resource.key(metadata.get("namespace", ""), metadata["name"]))
        return self.core.tree(record) if record else None

    def serves(self, obj: Object) -> bool:
        """Whether the Kubernetes version that is served knows the object's kind."""
        group, _, version = obj["apiVersion"].rpartition("/")
        return self.core.registry.lookup_kind(group, version, obj["kind"]) is not None

    async def ensure(self, obj: Object) -> bool:
        """Create the object unless one of that name, or nothing of its kind, is there; True when it was created."""
        if not self.serves(obj) or self.find(obj) is not None:
            return False
        try:
            await create(self.core, self.context(), self.resource(obj), codec.copy(obj))
        except AlreadyExists:
            return False
        return True

    async def change(self, obj: Object, transform: Callable[[Object], Object], subresource: str = "") -> None:
        """Change a stored object of that kind and name, or what a subresource shows of it.

        Other servers may do the same at the same moment; then it is looked at again.
        """
        resource, metadata = self.resource(obj), obj["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        change = Change(resource, namespace, name, lambda live: codec.copy(transform(live)), subresource)
        for attempt in range(_ATTEMPTS):
            try:
                await update(self.core, self.context(), change)
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def resource(self, obj: Object) -> ResourceType:
        """The resource that an object's apiVersion and kind name."""
        group, _, version = obj["apiVersion"].rpartition("/")
        resource = self.core.registry.lookup_kind(group, version, obj["kind"])
        if resource is None:
            raise KeyError(f"{obj['apiVersion']} {obj['kind']} is not served")
        return resource
