"""The API of a cluster for code that blocks: one connection, one call at a time, and no answer is no error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.client.http import Unreachable
from cloudk8s.client.interface import Client, ListOptions, Object, Resource
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.errors import AlreadyExists, CloudK8sError, NotFound
from cloudk8s.provisioning.nodes.manifests import apply_manifests

T = TypeVar("T")
SECONDS = 15.0
_FRUGAL = NetworkSettings(user_agent="cloudk8s-cluster", retries=0)
"""A refusal because of a disruption budget is an answer, too."""


class ClusterApi:
    """One cluster, as its administrator. Used by one thread."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        connection = Connection(
            access.server, ca=access.certificate_authority, certificate=access.client_certificate,
            key=access.client_key,
        )  # fmt: skip
        self._client: Client = NetworkClient(connection, settings=_FRUGAL)

    def answers(self) -> bool:
        """Whether the API is ready to be used."""
        try:
            self._run(self._client.request("GET", "/readyz"))
        except CloudK8sError:
            return False
        return True

    def list(self, resource: Resource, *, namespace: str = "", fields: str = "") -> Sequence[Object]:
        """All objects of a kind."""
        options = ListOptions(field_selector=fields)
        return self._run(self._client.list(resource, namespace=namespace, options=options)).items

    def apply(self, resource: Resource, obj: Object) -> None:
        """Create, or replace the content of what is there."""
        namespace = obj["metadata"].get("namespace", "")
        try:
            self._run(self._client.create(resource, obj, namespace=namespace))
        except AlreadyExists:
            changes = {
                key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata", "type")
            }
            name = obj["metadata"]["name"]
            self._run(self._client.patch(resource, name, changes, namespace=namespace))

    def apply_manifests(self, objects: Sequence[Object]) -> Sequence[Object]:
        """Apply objects of any kinds; returns those whose kinds are not served."""
        return self._run(apply_manifests(self._client, objects))

    def create(self, resource: Resource, obj: Object, *, name: str = "", subresource: str = "") -> Object:
        """Create, or post to a subresource."""
        namespace = obj["metadata"].get("namespace", "")
        return self._run(self._client.create(resource, obj, namespace=namespace, name=name, subresource=subresource))

    def patch(
        self, resource: Resource, name: str, patch: Mapping[str, Any], *, namespace: str = "", subresource: str = ""
    ) -> Object:
        """Merge changes into an object."""
        return self._run(self._client.patch(resource, name, dict(patch), namespace=namespace, subresource=subresource))

    def update(self, resource: Resource, obj: Object, subresource: str = "") -> Object:
        """Replace an object, or a part of it."""
        return self._run(self._client.update(resource, obj, subresource=subresource))

    def delete(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Delete; absent is success."""
        try:
            self._run(self._client.delete(resource, name, namespace=namespace))
        except NotFound:
            return

    def log(self, pod: str, namespace: str) -> str:
        """What a pod's only container has printed."""
        return str(self._run(self._client.request("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log")))

    def close(self) -> None:
        """Let go of the connection."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._client.close())
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(SECONDS):
                return await work

        with self._lock:
            try:
                return self._loop.run_until_complete(bounded())
            except (OSError, TimeoutError) as error:
                raise Unreachable(f"{self.access.server} does not answer: {error or 'time is up'}") from error
