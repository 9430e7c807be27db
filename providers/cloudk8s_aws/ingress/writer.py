"""What the Ingress controller writes to Ingresses: finalizers and the host name. Nothing is written twice."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import finalizers_of, name_of, namespace_of, status_of, uid_of
from cloudk8s.client.resources import INGRESSES
from cloudk8s.errors import Conflict, NotFound

TRIES = 5


class IngressWriter:
    """Each write is guarded by the resource version, and tried again on what was read anew."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def claim(self, ingress: Object, finalizer: str) -> None:
        """Add the finalizer before anything is made."""
        await self._finalize(ingress, lambda present: [*present, finalizer] if finalizer not in present else present)

    async def release(self, ingress: Object, finalizer: str, *, clear: bool) -> None:
        """Remove the finalizer; `clear` takes the host name away too. The object may be gone with it."""
        if clear and not ingress["metadata"].get("deletionTimestamp"):
            await self.show(ingress, "")
        await self._finalize(ingress, lambda present: [entry for entry in present if entry != finalizer])

    async def show(self, ingress: Object, hostname: str) -> None:
        """Publish where the load balancer is reached."""
        wanted = [{"hostname": hostname}] if hostname else []
        present = (status_of(ingress).get("loadBalancer") or {}).get("ingress") or []
        if [entry.get("hostname") for entry in present] == [entry["hostname"] for entry in wanted]:
            return
        patch = {"status": {"loadBalancer": {"ingress": wanted}}}
        try:
            await self._client.patch(
                INGRESSES, name_of(ingress), patch, namespace=namespace_of(ingress), type="merge", subresource="status"
            )
        except NotFound:
            return

    async def _finalize(self, ingress: Object, change: Any) -> None:
        for attempt in range(TRIES):
            present = list(finalizers_of(ingress))
            wanted = change(present)
            if wanted == present:
                return
            version = ingress["metadata"].get("resourceVersion")
            patch = {"metadata": {"finalizers": wanted, "resourceVersion": version}}
            try:
                await self._client.patch(
                    INGRESSES, name_of(ingress), patch, namespace=namespace_of(ingress), type="merge"
                )
                return
            except NotFound:
                return
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                current = await self._client.get(INGRESSES, name_of(ingress), namespace=namespace_of(ingress))
                if uid_of(current) != uid_of(ingress):
                    return
                ingress = current
