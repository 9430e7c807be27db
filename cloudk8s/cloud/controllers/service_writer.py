"""What the service controller writes to Services: finalizer, clouds, status, condition. Nothing is written twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, finalizers_of, key_of, name_of, namespace_of, uid_of
from cloudk8s.client.resources import SERVICES
from cloudk8s.cloud.controllers.service_request import CLOUDS_ANNOTATION, FINALIZER
from cloudk8s.cloud.controllers.service_status import (
    condition_patch,
    ingress_of,
    shows,
    wanted_ingress,
    without_condition,
)
from cloudk8s.cloud.model.load_balancer import LoadBalancerStatus
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.machinery.clock import Clock

TRIES = 5


class ServiceWriter:
    """Each write is guarded by the resource version, and tried again on what was read anew.

    All of them go to the status, which also takes metadata: upstream's role for this controller allows no other.
    """

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def claim(self, service: Object, cloud: str) -> Object:
        """Add the finalizer and note the cloud, in one write, where either is missing."""

        def change(current: Object) -> dict[str, Any] | None:
            clouds = clouds_of(current)
            finalizers = list(finalizers_of(current))
            if FINALIZER in finalizers and cloud in clouds:
                return None
            finalizers += [] if FINALIZER in finalizers else [FINALIZER]
            return {"finalizers": finalizers, "annotations": {CLOUDS_ANNOTATION: _join([*clouds, cloud])}}

        return await self._change(service, change)

    async def leave(self, service: Object, cloud: str) -> Object:
        """Note that a cloud holds nothing any more."""

        def change(current: Object) -> dict[str, Any] | None:
            clouds = clouds_of(current)
            if cloud not in clouds:
                return None
            return {"annotations": {CLOUDS_ANNOTATION: _join(name for name in clouds if name != cloud)}}

        return await self._change(service, change)

    async def release(self, service: Object) -> Object:
        """Remove the finalizer; the object may be gone with it."""

        def change(current: Object) -> dict[str, Any] | None:
            if FINALIZER not in finalizers_of(current):
                return None
            left = [name for name in finalizers_of(current) if name != FINALIZER]
            return {"finalizers": left, "annotations": {CLOUDS_ANNOTATION: None}}

        return await self._change(service, change)

    async def show(self, service: Object, status: LoadBalancerStatus, *, message: str = "") -> Object:
        """Publish where the load balancer is reached."""
        ready = bool(status.ingress)
        reason = "Ensured" if ready else "Pending"
        patch: dict[str, Any] = {}
        if not shows(service, status):
            patch["loadBalancer"] = {"ingress": wanted_ingress(status)}
        conditions = condition_patch(service, ready=ready, reason=reason, message=message, now=self._clock.now())
        return await self._write_status(service, patch | ({"conditions": conditions} if conditions else {}))

    async def show_problem(self, service: Object, reason: str, message: str) -> Object:
        """Publish why the load balancer is not as wanted; addresses stay as they are."""
        conditions = condition_patch(service, ready=False, reason=reason, message=message, now=self._clock.now())
        return await self._write_status(service, {"conditions": conditions} if conditions else {})

    async def clear(self, service: Object) -> Object:
        """Publish that there is no load balancer."""
        patch: dict[str, Any] = {"loadBalancer": None} if ingress_of(service) else {}
        if (kept := without_condition(service)) is not None:
            patch["conditions"] = kept
        return await self._write_status(service, patch)

    async def _write_status(self, service: Object, status: dict[str, Any]) -> Object:
        if not status:
            return service
        try:
            return await self._client.patch(
                SERVICES, name_of(service), {"status": status}, namespace=namespace_of(service), type="merge",
                subresource="status",
            )  # fmt: skip
        except NotFound:
            return service

    async def _change(self, service: Object, change: Any) -> Object:
        for attempt in range(TRIES):
            metadata = change(service)
            if metadata is None:
                return service
            metadata["resourceVersion"] = service["metadata"].get("resourceVersion")
            try:
                return await self._client.patch(
                    SERVICES, name_of(service), {"metadata": metadata}, namespace=namespace_of(service), type="merge",
                    subresource="status",
                )  # fmt: skip
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                service = await self._same(service)
        return service

    async def _same(self, service: Object) -> Object:
        """The object as it is now; NotFound where another one has taken its name."""
        current = await self._client.get(SERVICES, name_of(service), namespace=namespace_of(service))
        if uid_of(current) != uid_of(service):
            raise NotFound(f"service {key_of(service)} was replaced by another one of this name")
        return current


def clouds_of(service: Object) -> list[str]:
    """Names of the clouds that may hold parts of the load balancer."""
    text = annotations_of(service).get(CLOUDS_ANNOTATION, "")
    return [name.strip() for name in text.split(",") if name.strip()]


def _join(names: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(names))
