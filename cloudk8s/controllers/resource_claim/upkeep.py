"""Keep claims true to the pods that use them: reservations end with their pods, allocations with the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import (
    controller_of,
    finalizers_of,
    is_deleting,
    name_of,
    namespace_of,
    status_of,
    uid_of,
)
from cloudk8s.client.resources import PODS, RESOURCE_CLAIMS
from cloudk8s.controllers.resource_claim.pod_claims import is_done
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.machinery import codec

FINALIZER: Final = "resource.kubernetes.io/delete-protection"
"""The scheduler puts it on claims that it allocates."""
MOST_RESERVATIONS: Final = 256


class UnknownConsumer(CloudK8sError):
    """A claim is reserved for something that is not a pod: only whoever reserved it knows when that ends."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Works for one claim at a time."""

    client: Client
    pods: Informer

    async def tidy(self, claim: Object) -> None:
        """Drop reservations of pods that are done, free what nobody uses, and delete what was made for such a pod."""
        before = status_of(claim).get("reservedFor") or []
        valid = [item for item in before if await self._is_valid(claim, item)]
        if len(valid) < len(before):
            claim = await self._reserve_only(claim, valid)
        if not valid and is_deleting(claim) and FINALIZER in finalizers_of(claim):
            claim = await self._free(claim)
        if not valid and not is_deleting(claim) and self._is_left_over(claim):
            await self._delete(claim)

    async def reserve(self, claim: Object, pod: Object) -> None:
        """Note that a pod which already has a node uses an allocated claim."""
        changed = codec.copy(claim)
        reserved = changed["status"].setdefault("reservedFor", [])
        reserved.append({"resource": "pods", "name": name_of(pod), "uid": uid_of(pod)})
        await self.client.update(RESOURCE_CLAIMS, changed, subresource="status")

    async def _is_valid(self, claim: Object, consumer: Mapping[str, Any]) -> bool:
        if consumer.get("apiGroup") or consumer["resource"] != "pods":
            raise UnknownConsumer(f"unsupported ReservedFor entry: {dict(consumer)}")
        name, namespace = consumer["name"], namespace_of(claim)
        pod = self.pods.get(name, namespace)
        if pod is None:
            # The cache may be behind the scheduler, which reserves before it binds: the server has the last word.
            try:
                pod = await self.client.get(PODS, name, namespace=namespace)
            except NotFound:
                return False
        return uid_of(pod) == consumer["uid"] and not is_done(pod)

    async def _reserve_only(self, claim: Object, valid: list[Mapping[str, Any]]) -> Object:
        """Not a patch: it must fail if the scheduler has reserved the claim again."""
        changed = codec.copy(claim)
        changed["status"]["reservedFor"] = valid
        if valid:
            return await self.client.update(RESOURCE_CLAIMS, changed, subresource="status")
        del changed["status"]["reservedFor"]
        return await self._free(changed) if FINALIZER in finalizers_of(claim) else await self._write_status(changed)

    async def _free(self, claim: Object) -> Object:
        """Take the allocation away, so that the next pod is not bound to the node of the last one."""
        changed = codec.copy(claim)
        if "status" in changed:
            changed["status"].pop("allocation", None)
            changed = codec.copy(await self._write_status(changed))
        changed["metadata"]["finalizers"] = [item for item in finalizers_of(changed) if item != FINALIZER]
        return await self.client.update(RESOURCE_CLAIMS, changed)

    async def _write_status(self, claim: Object) -> Object:
        return await self.client.update(RESOURCE_CLAIMS, claim, subresource="status")

    def _is_left_over(self, claim: Object) -> bool:
        """Whether it was made for a pod that is done; one that is not known is left to the garbage collector."""
        owner = controller_of(claim)
        if owner is None or owner["kind"] != PODS.kind:
            return False
        pod = self.pods.get(owner["name"], namespace_of(claim))
        return pod is not None and (uid_of(pod) != owner["uid"] or is_done(pod))

    async def _delete(self, claim: Object) -> None:
        options = DeleteOptions(uid=uid_of(claim))
        try:
            await self.client.delete(RESOURCE_CLAIMS, name_of(claim), namespace=namespace_of(claim), options=options)
        except NotFound:
            return


def wants_reservation(claim: Object, pod: Object) -> bool:
    """Whether an allocated claim has room for a pod that it is not reserved for."""
    status = status_of(claim)
    reserved = status.get("reservedFor") or ()
    is_reserved = any(item.get("uid") == uid_of(pod) for item in reserved)
    return bool(status.get("allocation")) and not is_reserved and len(reserved) < MOST_RESERVATIONS
