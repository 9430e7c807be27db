"""Say of pods, before they are deleted, what they fall victim to (`DisruptionTarget`)."""

from __future__ import annotations

from typing import Final

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, namespace_of, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.settings import ClusterSettings

SINCE: Final = 26
"""Minor release in which the condition came, and with it the right of controllers to patch the status of pods."""


class Victims:
    """Writes the status of pods that are about to go; nothing on servers from before there was such a condition."""

    def __init__(self, client: Client, settings: ClusterSettings) -> None:
        self._client = client
        self._is_known = int(settings.kubernetes_version.partition(".")[2]) >= SINCE

    async def mark(self, pod: Object, status: Object) -> None:
        """Patch the status. Raises NotFound where the pod has gone, and Conflict where it is another one by now."""
        if self._is_known:
            patch = {"metadata": {"uid": uid_of(pod)}, "status": status}
            await self._client.patch(
                PODS, name_of(pod), patch, namespace=namespace_of(pod), type="strategic", subresource="status"
            )
