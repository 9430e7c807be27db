"""The client contract: what every component knows of an API server, near or far.

Two transports fulfil it: `network` (HTTPS to any Kubernetes API server) and `inprocess` (the same pipeline of
authentication, authorization and admission, without a socket or a copy). Objects that come out are shared and
read-only: copy before you change (`machinery.codec.copy`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Object = dict[str, Any]
PatchType = Literal["json", "merge", "strategic", "apply"]
PropagationPolicy = Literal["Background", "Foreground", "Orphan"]
WatchEventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]


class Resource(NamedTuple):
    """How a client names a resource; `cloudk8s.client.resources` has one constant for each built-in kind."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object or a subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{inside}/{self.plural}{tail}"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """One page of a list; `items` carry apiVersion and kind."""

    items: Sequence[Object]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch. A BOOKMARK's object has nothing but a resource version and annotations."""

    type: WatchEventType
    object: Object


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Selectors are in the API's text form; `resource_version` and `match` as in metav1.ListOptions."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    match: str = ""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions; None leaves the choice to the server."""

    grace_period_seconds: int | None = None
    propagation_policy: PropagationPolicy | None = None
    uid: str = ""
    """Precondition: delete only the object with this UID."""
    resource_version: str = ""
    dry_run: bool = False


class Client(Protocol):
    """One API server and one identity. Every method raises subclasses of `cloudk8s.errors.StatusError`.

    Requests are retried on 429 and on connection loss where that is safe, honouring `Retry-After`.
    """

    async def get(self, resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> Object:
        """Read one object; NotFound if it is absent."""

    async def list(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions()
    ) -> ObjectList:
        """Read a page of a collection; all namespaces where `namespace` is empty."""

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """Create an object, or post to a subresource of `name` (binding, eviction, token)."""

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """Replace an object; its namespace, name and resource version are taken from its metadata."""

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """Apply a patch; `patch` is the decoded document (a list for `json`)."""

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", options: DeleteOptions = DeleteOptions()
    ) -> Object:
        """Delete an object; returns the object or Status that the server answers."""

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        """Delete what the options select in one namespace."""

    def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:  # fmt: skip
        """Watch from `options.resource_version`; one connection, not resumed (informers do that).

        Ends when the server ends it; raises Expired (410) for a revision that is no longer held.
        """

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """Send any request (discovery, /version, logs); returns decoded JSON, or text where the answer is not JSON."""

    async def close(self) -> None:
        """Release connections."""
