"""`scale`: the replica count of a workload as an autoscaling/v1 Scale."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from cloudk8s.api import conversion
from cloudk8s.api.field_errors import invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.handlers.writing import check_names, patch_type
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.operations.patch import Patch, patched
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.apiserver.presenting import document


class ScaleHandler:
    """GET, PUT and PATCH of a workload's Scale."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Answer a request on the scale."""
        if verb == "get":
            return self._get(context, resource)
        return self._write(context, request, resource, verb)

    def _get(self, context: RequestContext, resource: ResourceType) -> Answer:
        info = context.info
        record = self._core.store.get(resource.key(info.namespace, info.name))
        if record is None:
            raise failures.not_found(resource, info.name)
        scale = conversion.scale_of(self._core.tree(record))
        return document(scale, negotiate(context.headers.get("accept", ""), has_table=False))

    async def _write(self, context: RequestContext, request: Request, resource: ResourceType, verb: str) -> Answer:
        info = context.info
        kind = "UpdateOptions" if verb == "update" else "PatchOptions"
        type = patch_type(context, resource) if verb == "patch" else None
        options = read_write_options(context, kind, is_apply=type == "apply")
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        intake = Intake(self._core, context, self._scale_type())
        if type is None:
            body = intake.read(request.body)
            check_names(resource, body, info.namespace, info.name)
        else:
            document_ = intake.read_patch(type, request.body)

        def transform(live: Object) -> Object:
            scale: Any = body if type is None else self._patched(resource, live, type, document_, intake)
            self._check(scale, info.name)
            version = scale["metadata"].get("resourceVersion", "")
            return conversion.with_scale(live, scale) | {
                "metadata": live["metadata"] | {"resourceVersion": version if version else ""}
            }

        change = Change(resource, info.namespace, info.name, transform, "scale", options=options)
        record, _ = await update(self._core, context, change)
        return document(conversion.scale_of(self._core.tree(record)), form)

    def _patched(self, resource: ResourceType, live: Object, type: Any, patch: Any, intake: Intake) -> Object:
        scale = conversion.scale_of(live)
        if type == "apply":
            return scale | {"spec": patch.get("spec", {})}
        request = Patch(type, patch, intake.take_patched)
        return intake.take_patched(patched(self._scale_type(), live["metadata"]["name"], scale, request))

    def _scale_type(self) -> ResourceType:
        schema = self._core.registry.schema("autoscaling", "v1", "Scale")
        assert schema is not None
        return ResourceType("autoscaling", "v1", "Scale", "scales", "scale", True, (), schema=schema)

    @staticmethod
    def _check(scale: Object, name: str) -> None:
        replicas = (scale.get("spec") or {}).get("replicas", 0)
        if replicas < 0:
            finding = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
            raise failures.invalid("Scale", "autoscaling", name, [finding])
