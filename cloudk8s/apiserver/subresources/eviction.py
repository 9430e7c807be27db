"""`pods/eviction`: delete a pod unless that would break a disruption budget."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import dry_run_errors, read_write_options
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import PLAIN
from cloudk8s.apiserver.operations.delete import DeleteOptions, delete
from cloudk8s.apiserver.operations.rewrite import rewrite
from cloudk8s.apiserver.presenting import document
from cloudk8s.apiserver.subresources.admitting import admit_posted
from cloudk8s.errors import BadRequest, Cause, Conflict, TooManyRequests
from cloudk8s.machinery import codec, labels
from cloudk8s.machinery.times import format_time

_GROUP: Final = "policy"
_BUDGETS: Final = "poddisruptionbudgets"
_BLOCKED: Final = "Cannot evict pod as it would violate the pod's disruption budget."
_TWO: Final = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


class EvictionHandler:
    """POST of an Eviction."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Evict; answers 201 with a Status."""
        return self._evict(context, request, resource)

    async def _evict(self, context: RequestContext, request: Request, pods: ResourceType) -> Answer:
        options = read_write_options(context, "CreateOptions")
        eviction = Intake(self._core, context, _eviction_type(self._core, request.body)).read(request.body)
        info = context.info
        given = eviction["metadata"].get("name")
        if given and given != info.name:
            raise BadRequest("name in URL does not match name in Eviction object")
        raw: dict[str, Any] = eviction.get("deleteOptions") or {}
        if errors := dry_run_errors(raw.get("dryRun") or []):
            raise failures.invalid("DeleteOptions", "meta.k8s.io", "", errors)
        dry_run = context.dry_run or "All" in (raw.get("dryRun") or [])
        pod = self._core.find("", "pods", info.name, info.namespace)
        if pod is None:
            raise failures.not_found(pods, info.name)
        await admit_posted(self._core, context, pods, eviction, options)
        _check_uid(pod, raw)
        if not _is_exempt(pod):
            await self._spend_budget(pod, dry_run=dry_run)
        await self._mark(pods, pod, dry_run=dry_run)
        if not dry_run:
            await self._delete(context, pods, pod, raw)
        success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return document(success, PLAIN, 201)

    async def _spend_budget(self, pod: Object, *, dry_run: bool) -> None:
        found = self._budgets_of(pod)
        if len(found) > 1:
            raise failures.plain_error(_TWO)
        if not found:
            return
        name = found[0]["metadata"]["name"]
        if _is_unhealthy_and_free(pod, found[0]):
            return
        resource = self._core.resource(_GROUP, _BUDGETS)

        def spend(budget: Object) -> Object:
            return self._spent(codec.copy(budget), pod)

        await rewrite(self._core, resource, pod["metadata"]["namespace"], name, spend, dry_run=dry_run)

    def _budgets_of(self, pod: Object) -> list[Object]:
        namespace, own = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
        budgets = self._core.all(_GROUP, _BUDGETS, namespace)
        return [item for item in budgets if labels.from_object(item["spec"].get("selector")).matches(own)]

    def _spent(self, budget: Object, pod: Object) -> Object:
        metadata, status = budget["metadata"], budget.setdefault("status", {})
        name = metadata["name"]
        if status.get("observedGeneration", 0) < metadata.get("generation", 0):
            message = f"The disruption budget {name} is still being processed by the server."
            raise _blocked(message, timedelta(seconds=10))
        allowed = status.get("disruptionsAllowed", 0)
        if allowed < 0:
            raise failures.forbidden(self._core.resource(_GROUP, _BUDGETS), name, "pdb disruptions allowed is negative")
        if allowed == 0:
            needs = f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and has "
            raise _blocked(f"{needs}{status.get('currentHealthy', 0)} currently")
        status["disruptionsAllowed"] = allowed - 1
        disrupted = status.setdefault("disruptedPods", {}) or {}
        disrupted[pod["metadata"]["name"]] = format_time(self._core.clock.now())
        status["disruptedPods"] = disrupted
        return budget

    async def _mark(self, pods: ResourceType, pod: Object, *, dry_run: bool) -> None:
        """Say on the pod why it goes."""
        metadata = pod["metadata"]

        def mark(live: Object) -> Object:
            status = live.get("status") or {}
            others = [item for item in status.get("conditions") or [] if item["type"] != "DisruptionTarget"]
            target = {
                "type": "DisruptionTarget",
                "status": "True",
                "lastProbeTime": None,
                "lastTransitionTime": format_time(self._core.clock.now()),
                "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting",
            }
            return live | {"metadata": dict(live["metadata"]), "status": status | {"conditions": [*others, target]}}

        await rewrite(self._core, pods, metadata["namespace"], metadata["name"], mark, dry_run=dry_run)

    async def _delete(self, context: RequestContext, pods: ResourceType, pod: Object, raw: dict[str, Any]) -> None:
        metadata, preconditions = pod["metadata"], raw.get("preconditions") or {}
        options = DeleteOptions(
            grace_period_seconds=raw.get("gracePeriodSeconds"),
            propagation_policy=raw.get("propagationPolicy") or "",
            orphan_dependents=raw.get("orphanDependents"),
            uid=preconditions.get("uid") or metadata["uid"],
            raw=raw,
        )
        await delete(self._core, context, pods, metadata["namespace"], metadata["name"], options)


def _eviction_type(core: Core, body: bytes) -> ResourceType:
    """The kind as the body spells it: old clients still send the version that policy began with."""
    version = "v1beta1" if b'"policy/v1beta1"' in body else "v1"
    schema = core.registry.schema("policy", "v1", "Eviction")
    assert schema is not None
    return ResourceType("policy", version, "Eviction", "evictions", "eviction", True, ("create",), schema=schema)


def _check_uid(pod: Object, raw: dict[str, Any]) -> None:
    metadata = pod["metadata"]
    wanted = (raw.get("preconditions") or {}).get("uid")
    if wanted and wanted != metadata["uid"]:
        message = (
            f'Operation cannot be fulfilled on Pod "{metadata["name"]}": the UID in the precondition ({wanted}) does '
            f"not match the UID in record ({metadata['uid']}). The object might have been deleted and then recreated"
        )
        raise Conflict(message, details={"name": metadata["name"], "kind": "Pod"})


def _is_exempt(pod: Object) -> bool:
    """Pods that do not serve any more, or not yet, are no disruption."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or bool(pod["metadata"].get("deletionTimestamp"))


def _is_unhealthy_and_free(pod: Object, budget: Object) -> bool:
    """An unready pod may go when the policy always allows it, or when enough others are healthy."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    if any(item["type"] == "Ready" and item.get("status") == "True" for item in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)


def _blocked(detail: str, retry_after: timedelta | None = None) -> TooManyRequests:
    return TooManyRequests(_BLOCKED, causes=[Cause("DisruptionBudget", detail)], retry_after=retry_after)
