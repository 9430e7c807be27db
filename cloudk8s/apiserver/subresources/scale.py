"""`scale`: the replica count of a workload as an autoscaling/v1 Scale."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from cloudk8s.api.custom import scale as custom_scale
from cloudk8s.api.custom.resource import CustomResource
from cloudk8s.api.field_errors import invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.scale import scale_of, with_scale
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.handlers.writing import check_names, patch_type
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.operations.patch import Patch, PatchType, patched
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.apiserver.presenting import document
from cloudk8s.errors import Cause, InternalError
from cloudk8s.machinery import codec
from cloudk8s.machinery.apply import scale as scale_fields

_REPLICAS = ("f:spec", "f:replicas")


class ScaleHandler:
    """GET, PUT and PATCH of a workload's Scale; a write is a write of the workload."""

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
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        return document(_scale_of(resource, self._core.view(resource, record)), form)

    async def _write(self, context: RequestContext, request: Request, resource: ResourceType, verb: str) -> Answer:
        info = context.info
        type = patch_type(context, resource) if verb == "patch" else None
        kind = "PatchOptions" if type else "UpdateOptions"
        options = read_write_options(context, kind, is_apply=type == "apply")
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        write = _ScaleWrite(self._core, context, resource, type, request.body)
        change = Change(
            resource, info.namespace, info.name, write.transform, "scale", manages_fields=False, options=options
        )
        record, _ = await update(self._core, context, change)
        return document(_scale_of(resource, self._core.view(resource, record)), form)


class _ScaleWrite:
    """One write through the scale: the body is read once, and put onto each state of the workload that is tried."""

    def __init__(
        self, core: Core, context: RequestContext, resource: ResourceType, type: PatchType | None, body: bytes
    ) -> None:
        self._core = core
        self._context = context
        self._resource = resource
        self._type = type
        self._scale = _scale_type(core)
        self._intake = Intake(core, context, self._scale)
        if type is None:
            self._document: Any = self._intake.read(body)
            check_names(self._scale, self._document, context.info.namespace, context.info.name)
        else:
            self._document = self._intake.read_patch(type, body)

    def transform(self, live: Object) -> Object:
        """The workload with the new scale, and who owns its replica count."""
        paths = {self._resource.api_version: _replicas_path(self._resource)}
        managed = live["metadata"].get("managedFields")
        old = _scale_of(self._resource, live)
        old["metadata"] = {**old["metadata"], "managedFields": scale_fields.to_scale(managed, paths)}
        new = self._new_scale(old)
        self._check(new)
        if self._type != "apply":
            self._core.fields.on_update(self._context, self._scale, new, old, "scale")
        owners = scale_fields.to_parent(
            managed, new["metadata"].get("managedFields"), paths, self._resource.api_version
        )
        version = new["metadata"].get("resourceVersion", "")
        metadata = {**live["metadata"], "managedFields": owners, "resourceVersion": version}
        result: Object = codec.copy({**_with_scale(self._resource, live, new), "metadata": metadata})
        return result

    def _new_scale(self, old: Object) -> Object:
        if self._type is None:
            return dict(self._document) | {"metadata": dict(self._document["metadata"])}
        if self._type == "apply":
            force = self._context.query.flag("force")
            return self._core.fields.on_apply(self._context, self._scale, old, self._document, "scale", force)
        # An empty list of managers would mean that they are to be forgotten.
        plain = old | {"metadata": {key: value for key, value in old["metadata"].items() if value != []}}
        request = Patch(self._type, self._document, self._intake.take_patched)
        taken = self._intake.take_patched(patched(self._scale, old["metadata"]["name"], plain, request), {})
        check_names(self._scale, taken, self._context.info.namespace, self._context.info.name)
        return taken

    def _check(self, scale: Object) -> None:
        """Built-in workloads check the scale; custom ones themselves, when they are written."""
        replicas = (scale.get("spec") or {}).get("replicas", 0)
        if replicas < 0 and not isinstance(self._resource, CustomResource):
            finding = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
            raise failures.invalid("Scale", "autoscaling", self._context.info.name, [finding])


def _scale_of(resource: ResourceType, live: Object) -> Object:
    if not isinstance(resource, CustomResource) or resource.scale is None:
        return scale_of(live)
    try:
        return custom_scale.scale_of(live, resource.scale)
    except custom_scale.NoReplicas as problem:
        raise InternalError(f"Internal error occurred: {problem}", causes=[Cause("", str(problem))]) from None


def _with_scale(resource: ResourceType, live: Object, scale: Object) -> Object:
    if not isinstance(resource, CustomResource) or resource.scale is None:
        return with_scale(live, scale)
    return custom_scale.with_scale(live, scale, resource.scale)


def _replicas_path(resource: ResourceType) -> tuple[str, ...]:
    """Where the replica count is, as managed fields name it."""
    if not isinstance(resource, CustomResource) or resource.scale is None:
        return _REPLICAS
    return tuple(f"f:{part}" for part in resource.scale["specReplicasPath"].strip(".").split("."))


def _scale_type(core: Core) -> ResourceType:
    """The pseudo resource of scales; one object a registry, so that its compiled types are kept."""
    found = core.cache.get("scale")
    if found is None:
        schema = core.registry.schema("autoscaling", "v1", "Scale")
        assert schema is not None
        found = ResourceType("autoscaling", "v1", "Scale", "scales", "scale", True, (), schema=schema)
        core.cache["scale"] = found
    return found
