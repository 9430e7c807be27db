"""DefaultBinder: bind by the API's binding subresource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.client.resources import PODS
from cloudk8s.scheduler.interface import Cycle, Handle


class DefaultBinder:
    """Posts a Binding; the UID keeps it from a pod of the same name."""

    name = "DefaultBinder"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._client = handle.client

    async def bind(self, cycle: Cycle, node: str) -> bool:
        pod = cycle.pod
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "target": {"kind": "Node", "name": node},
        }
        await self._client.create(PODS, binding, namespace=pod.namespace, name=pod.name, subresource="binding")
        return True
