"""Change one object by a patch document: JSON patch, merge patch, strategic merge patch, apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.create import create
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.errors import BadRequest, RequestEntityTooLarge
from cloudk8s.machinery import codec, json_patch, merge_patch, strategic_merge
from cloudk8s.storage.interface import Record

PatchType = Literal["json", "merge", "strategic", "apply"]
Intake = Callable[[Any, Object], Object]
"""Turns a patched document, made from the live object, into a checked, pruned tree (field validation, type checks)."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: its type, its document, and how the result is taken in."""

    type: PatchType
    document: Any
    intake: Intake
    force: bool = False


async def patch(
    core: Core, context: RequestContext, resource: ResourceType, namespace: str, name: str, subresource: str,
    request: Patch,
) -> tuple[Record, bool]:  # fmt: skip
    """Patch an object; an apply patch creates it when it is absent. Returns the record and whether it was created."""
    if request.type == "apply":
        return await _apply(core, context, resource, namespace, name, subresource, request)

    def transform(live: Object) -> Object:
        return finish(request.intake(patched(resource, name, live, request), live), live)

    return await update(core, context, Change(resource, namespace, name, transform, subresource))


def patched(resource: ResourceType, name: str, live: Object, request: Patch) -> Any:
    """The live object with the patch document on it; failures in upstream's words."""
    try:
        if request.type == "json":
            return json_patch.apply(live, request.document)
        if request.type == "merge":
            return merge_patch.apply(live, request.document)
        return strategic_merge.apply(live, request.document, resource.schema)
    except json_patch.PatchError:
        raise failures.rejected() from None
    except json_patch.PatchTooLargeError as error:
        raise RequestEntityTooLarge(str(error)) from None
    except strategic_merge.MergeError as error:
        raise (BadRequest(str(error)) if error.code == 400 else failures.plain_error(str(error))) from None


def finish(tree: Object, live: Object) -> Object:
    """What holds for every patch type: one that leaves the resource version alone insists on none."""
    metadata = tree["metadata"]
    if metadata.get("resourceVersion") == live["metadata"]["resourceVersion"]:
        del metadata["resourceVersion"]
    return tree


async def _apply(
    core: Core, context: RequestContext, resource: ResourceType, namespace: str, name: str, subresource: str,
    request: Patch,
) -> tuple[Record, bool]:  # fmt: skip
    config: Object = request.document

    def transform(live: Object) -> Object:
        applied = core.fields.on_apply(context, resource, live, codec.copy(config), subresource, request.force)
        return finish(applied, live)

    async def make() -> Record:
        if config["metadata"].get("uid"):
            finding = invalid("metadata.uid", config["metadata"]["uid"], "")
            raise failures.invalid_object(resource, name, [finding])
        obj = core.fields.on_apply(context, resource, None, codec.copy(config), "", request.force)
        if resource.namespaced:
            obj["metadata"]["namespace"] = namespace
        return await create(core, context, resource, obj, manages_fields=False)

    change = Change(
        resource, namespace, name, transform, subresource, manages_fields=False, create=None if subresource else make
    )
    return await update(core, context, change)
