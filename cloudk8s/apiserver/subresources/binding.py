"""`binding`: put a pod on a node."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import PLAIN
from cloudk8s.apiserver.operations.rewrite import rewrite
from cloudk8s.apiserver.operations.update import precondition_failed
from cloudk8s.apiserver.presenting import document
from cloudk8s.apiserver.subresources.admitting import admit_posted
from cloudk8s.errors import BadRequest
from cloudk8s.machinery.times import format_time

_LABELS_GATE: Final = "PodTopologyLabelsAdmission"


class BindingHandler:
    """POST of a Binding, to `pods/NAME/binding` or to `bindings`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Bind; answers 201 with a Status."""
        return self._bind(context, request)

    async def _bind(self, context: RequestContext, request: Request) -> Answer:
        options = read_write_options(context, "CreateOptions")
        binding_type = self._core.resource("", "bindings")
        binding = Intake(self._core, context, binding_type).read(request.body)
        info = context.info
        name = binding["metadata"].get("name", "")
        if info.resource == "pods" and name != info.name:
            if name:
                raise BadRequest("name in URL does not match name in Binding object")
            name = info.name
        target = binding.get("target") or {}
        _check_target(target)
        pods = self._core.resource("", "pods")
        await admit_posted(self._core, context, pods if info.resource == "pods" else binding_type, binding, options)
        pod_key = pods.key(info.namespace, name)

        def transform(live: Object) -> Object:
            uid = binding["metadata"].get("uid")
            if uid and uid != live["metadata"]["uid"]:
                reason = precondition_failed(pod_key, uid, live["metadata"]["uid"])
                raise failures.conflict(pods, name, reason)
            return _bound(live, binding, target["name"], self._core, pods)

        await rewrite(self._core, pods, info.namespace, name, transform, dry_run=context.dry_run)
        return document(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, PLAIN, 201
        )


def _check_target(target: dict[str, Any]) -> None:
    if not target.get("name"):
        raise failures.plain_error("target.name: Required value")
    if target.get("kind") not in (None, "", "Node"):
        kind = target["kind"]
        raise failures.plain_error(f'target.kind: Unsupported value: "{kind}": supported values: "Node", "<empty>"')


def _bound(live: Object, binding: Object, node: str, core: Core, pods: ResourceType) -> Object:
    name, spec, metadata = live["metadata"]["name"], live["spec"], live["metadata"]
    if metadata.get("deletionTimestamp"):
        raise failures.conflict(pods, name, f"pod {name} is being deleted, cannot be assigned to a host", "binding")
    if spec.get("nodeName"):
        reason = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
        raise failures.conflict(pods, name, reason, "binding")
    if spec.get("schedulingGates"):
        raise failures.conflict(pods, name, f"pod {name} has non-empty .spec.schedulingGates", "binding")
    metadata = dict(metadata)
    copied = ("annotations", "labels") if core.registry.features.is_on(_LABELS_GATE) else ("annotations",)
    for field in copied:
        if added := binding["metadata"].get(field):
            metadata[field] = (metadata.get(field) or {}) | added
    status = live.get("status") or {}
    conditions = [item for item in status.get("conditions", []) if item["type"] != "PodScheduled"]
    now = format_time(core.clock.now())
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    status = status | {"conditions": [*conditions, scheduled]}
    return live | {"metadata": metadata, "spec": spec | {"nodeName": node}, "status": status}
