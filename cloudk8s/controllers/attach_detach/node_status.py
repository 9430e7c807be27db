"""Tell nodes which volumes are attached to them: only then do they mount, and what is being detached is not told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, status_of
from cloudk8s.client.resources import NODES
from cloudk8s.errors import NotFound


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Writes `status.volumesAttached`."""

    client: Client

    async def tell(self, node: Object, unique_names: Iterable[str]) -> None:
        """Bring the list in order; it is sorted, so that equal lists are written once."""
        wanted = [{"name": name, "devicePath": ""} for name in sorted(set(unique_names))]
        told = status_of(node).get("volumesAttached") or []
        if sorted(item["name"] for item in told) == [item["name"] for item in wanted]:
            return
        patch = {"status": {"volumesAttached": wanted or None}}
        try:
            await self.client.patch(NODES, name_of(node), patch, type="merge", subresource="status")
        except NotFound:
            return
