"""Delete pods that did nothing wrong, and say of them before what they fall victim to (`DisruptionTarget`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import name_of, namespace_of, observed_generation, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import format_time
from cloudk8s.settings import ClusterSettings

SINCE: Final = 26
"""Minor release in which the condition came, and with it the right of controllers to patch the status of pods."""


class Victims:
    """On servers from before there was such a condition, pods are only deleted."""

    def __init__(self, client: Client, settings: ClusterSettings) -> None:
        self._client = client
        self._is_known = int(settings.kubernetes_version.partition(".")[2]) >= SINCE

    async def end(self, pod: Object, status: Object, *, grace_period_seconds: int | None = None) -> None:
        """Patch the status of a pod that has not ended, and delete it. Raises Conflict where it is another one by now.

        Nothing is done about one that has gone.
        """
        name, namespace = name_of(pod), namespace_of(pod)
        options = DeleteOptions(grace_period_seconds=grace_period_seconds, uid=uid_of(pod))
        try:
            if self._is_known and not is_terminal(pod):
                patch = {"metadata": {"uid": uid_of(pod)}, "status": status}
                await self._client.patch(PODS, name, patch, namespace=namespace, type="strategic", subresource="status")
            await self._client.delete(PODS, name, namespace=namespace, options=options)
        except NotFound:
            return


def target(pod: Object, reason: str, message: str, now: datetime) -> dict[str, Any]:
    """The condition."""
    return {
        "type": "DisruptionTarget", **observed_generation(pod), "status": "True",
        "lastTransitionTime": format_time(now), "reason": reason, "message": message,
    }  # fmt: skip
