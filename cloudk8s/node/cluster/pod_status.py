"""Writes pods' statuses to the API: the latest only, in order for each pod, as a patch that keeps what others wrote."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import name_of, namespace_of, status_of, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.errors import CloudK8sError, Conflict, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods.status.conditions import OWNED

_RETRY_SECONDS = 2.0
_CLEARED = ("reason", "message", "podIP", "podIPs", "nominatedNodeName")

_log = logging.getLogger(__name__)


class PodStatusWriter:
    """One pod's writer; `run` sends until cancelled."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._wanted: tuple[Object, dict[str, Any]] | None = None
        self._written: dict[str, Any] | None = None
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, pod: Object, status: dict[str, Any]) -> None:
        """Show `status`; a status that is shown already is not written again."""
        if status == self._written and self._wanted is None:
            return
        self._wanted = (pod, status)
        self._idle.clear()
        self._changed.set()

    def forget(self) -> None:
        """What was written is no longer there."""
        self._written = None

    async def flush(self) -> None:
        """Return once everything was written, or cannot be."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write what is put until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._wanted is not None:
                wanted = self._wanted
                if await self._write(*wanted) and self._wanted is wanted:
                    self._wanted = None
            self._idle.set()

    async def delete(self, pod: Object) -> None:
        """Confirm the end of a pod: remove it from the API for good."""
        options = DeleteOptions(grace_period_seconds=0, uid=uid_of(pod))
        while True:
            try:
                await self._client.delete(PODS, name_of(pod), namespace=namespace_of(pod), options=options)
            except (NotFound, Conflict):
                return
            except (CloudK8sError, OSError) as error:
                _log.warning("pod %s/%s: not deleted, trying again: %s", namespace_of(pod), name_of(pod), error)
                await self._clock.sleep(_RETRY_SECONDS)
            else:
                return

    async def _write(self, pod: Object, status: dict[str, Any]) -> bool:
        """Send one patch; True where nothing is left to do for it."""
        before = self._written if self._written is not None else status_of(pod)
        cleared = {key: None for key in _CLEARED if key in before and key not in status}
        patch = {"metadata": {"uid": uid_of(pod)}, "status": status | cleared | _whole_lists(before, status)}
        try:
            await self._client.patch(
                PODS, name_of(pod), patch, namespace=namespace_of(pod), type="strategic", subresource="status"
            )
        except (NotFound, Conflict):
            _log.debug("pod %s/%s is gone, its status is not written", namespace_of(pod), name_of(pod))
        except (CloudK8sError, OSError) as error:
            _log.warning("pod %s/%s: status not written, trying again: %s", namespace_of(pod), name_of(pod), error)
            await self._clock.sleep(_RETRY_SECONDS)
            return False
        self._written = status
        return True


def _whole_lists(before: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """Lists that are merged by key, marked where something in them must go away."""
    marked: dict[str, Any] = {}
    for field in ("podIPs", "hostIPs"):
        ips = {entry["ip"] for entry in status.get(field) or ()}
        gone = [entry for entry in before.get(field) or () if entry["ip"] not in ips]
        if gone and ips:
            marked[field] = [*status[field], *({"$patch": "delete", "ip": entry["ip"]} for entry in gone)]
    conditions = _without_old_reasons(before.get("conditions") or (), status.get("conditions") or ())
    if conditions != list(status.get("conditions") or ()):
        marked["conditions"] = conditions
    kinds = {condition["type"] for condition in conditions}
    lost = [each for each in before.get("conditions") or () if each["type"] in OWNED and each["type"] not in kinds]
    if lost:
        deletions = [{"$patch": "delete", "type": each["type"]} for each in lost]
        marked["conditions"] = [*conditions, *deletions]
    return marked


def _without_old_reasons(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Conditions are merged by type: a reason that has gone must be taken away by name."""
    old = {condition["type"]: condition for condition in before}
    return [
        {**{key: None for key in ("reason", "message") if key in old.get(condition["type"], {})}, **condition}
        for condition in now
    ]
