"""POST, PUT, PATCH and DELETE on objects and collections."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.delete_options import read_delete_options
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.list_options import read_list_options
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.http.interface import Answer
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.operations.create import create, prepare
from cloudk8s.apiserver.operations.delete import Deleted, DeleteOptions, delete
from cloudk8s.apiserver.operations.listing import PageRequest, read_page
from cloudk8s.apiserver.operations.patch import Patch, PatchType, patch
from cloudk8s.apiserver.operations.selection import select
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.apiserver.presenting import Presenter, document
from cloudk8s.errors import BadRequest, NotFound, UnsupportedMediaType
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Record

PATCH_TYPES: Final[dict[str, PatchType]] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_RETURNS_OBJECT: Final = frozenset({
    "csidrivers", "csinodes", "deviceclasses", "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates",
    "resourceclaims", "resourceclaimtemplates", "resourcequotas", "resourceslices", "serviceaccounts", "services",
    "storageclasses", "volumeattachments", "volumeattributesclasses",
})  # fmt: skip
"""Kinds whose deletion answers with the object instead of a Status (upstream's `ReturnDeletedObject`)."""


async def post(
    core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType, body: bytes
) -> Answer:
    """Create an object from the body."""
    form = negotiate(context.headers.get("accept", ""))
    options = read_write_options(context, "CreateOptions")
    key = core.repeats.key(context, resource, body)
    obj = core.repeats.recall(key, core.clock.now())
    if obj is None:
        obj = Intake(core, context, resource).read(body)
        _place(resource, obj, context.info.url_namespace if resource.namespaced else "")
        prepare(core, context, resource, obj)
        core.repeats.note(key, obj, context)
    record = await create(core, context, resource, obj, options=options, is_prepared=True)
    return presenter.one(resource, record, form, 201)


async def put(core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType, body: bytes) -> Answer:
    """Replace an object by the body."""
    form = negotiate(context.headers.get("accept", ""))
    options = read_write_options(context, "UpdateOptions")
    info = context.info
    obj = Intake(core, context, resource).read(body)
    check_names(resource, obj, info.namespace, info.name)

    async def make() -> Record:
        obj["metadata"].pop("uid", None)
        return await create(core, context, resource, obj, options=options)

    can_create = core.strategy(resource).allow_create_on_update and not info.subresource
    change = Change(
        resource, info.namespace, info.name, lambda _: codec.copy(obj), info.subresource,
        replaces=True, create=make if can_create else None, options=options,
    )  # fmt: skip
    record, created = await update(core, context, change)
    return presenter.one(resource, record, form, 201 if created else 200)


async def patch_object(
    core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType, body: bytes
) -> Answer:
    """Patch an object by the body; the content type names the kind of patch."""
    type = patch_type(context, resource)
    form = negotiate(context.headers.get("accept", ""))
    read_write_options(context, "PatchOptions", is_apply=type == "apply")
    info = context.info
    intake = Intake(core, context, resource)

    def take(tree: Any, live: Object) -> Object:
        taken = intake.take_patched(tree, live)
        check_names(resource, taken, info.namespace, info.name)
        return taken

    request = Patch(type, intake.read_patch(type, body), take, context.query.flag("force"))
    if type == "apply":
        check_names(resource, codec.copy(request.document), info.namespace, info.name)
    record, created = await patch(
        core, context, resource, info.namespace if resource.namespaced else "", info.name, info.subresource, request
    )
    return presenter.one(resource, record, form, 201 if created else 200)


def patch_type(context: RequestContext, resource: ResourceType) -> PatchType:
    """The kind of patch; 415 in upstream's words for another content type."""
    content_type = context.headers.get("content-type", "").partition(";")[0].strip()
    found = PATCH_TYPES.get(content_type)
    supported = [name for name, kind in PATCH_TYPES.items() if resource.custom is None or kind != "strategic"]
    if found is None and resource.custom is None:
        error = UnsupportedMediaType("415: Unsupported Media Type")
        raise UnsupportedMediaType(error.message, status=error.status | {"details": {}})
    if found is None or content_type not in supported:
        message = (
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(supported)}"
        )
        raise UnsupportedMediaType(message)
    return found


async def delete_object(
    core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType, body: bytes
) -> Answer:
    """Delete one object."""
    form = negotiate(context.headers.get("accept", ""))
    options = read_delete_options(core, context, body)
    _warn_of_orphans(context, resource, options)
    info = context.info
    namespace = info.namespace if resource.namespaced else ""
    deleted = await delete(core, context, resource, namespace, info.name, options)
    if not deleted.is_gone or (resource.plural in _RETURNS_OBJECT and resource.custom is None):
        return presenter.one(resource, deleted.record, form)
    return document(_success(core, resource, deleted), form)


def _warn_of_orphans(context: RequestContext, resource: ResourceType, options: DeleteOptions) -> None:
    """Jobs leave their pods behind unless the client says otherwise, which few expect."""
    is_silent = not options.propagation_policy and options.orphan_dependents is None
    if is_silent and (resource.group, resource.plural) == ("batch", "jobs"):
        context.warn(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
            "them or set propagationPolicy=Orphan to suppress this warning"
        )


def _success(core: Core, resource: ResourceType, deleted: Deleted) -> Object:
    metadata = core.tree(deleted.record)["metadata"]
    details = {"name": metadata["name"], "group": resource.group, "kind": resource.plural, "uid": metadata["uid"]}
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }  # fmt: skip


async def delete_collection(
    core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType, body: bytes
) -> Answer:
    """Delete what the selectors choose; answers with the list of what was there."""
    form = negotiate(context.headers.get("accept", ""), can_stream=True)
    options = read_delete_options(core, context, body)
    _warn_of_orphans(context, resource, options)
    query, namespace = context.query, context.info.url_namespace
    selection = select(core, resource, query.get("labelSelector"), query.get("fieldSelector"))
    listed = read_list_options(query, watch=False)
    page = read_page(core, resource, namespace, selection, PageRequest(listed.limit, listed.continue_token))
    for record in page.records:
        metadata = core.tree(record)["metadata"]
        try:
            await delete(core, context, resource, metadata.get("namespace", ""), metadata["name"], options)
        except NotFound:
            continue
    return presenter.page(resource, page, form)


def check_names(resource: ResourceType, obj: Object, namespace: str, name: str) -> None:
    """The body must be about the object in the URL; BadRequest in upstream's words."""
    metadata = obj.setdefault("metadata", {})
    given = metadata.get("name", "") if isinstance(metadata, dict) else ""
    if not given:
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if given != name:
        raise BadRequest(f"the name of the object ({given}) does not match the name on the URL ({name})")
    _place(resource, obj, namespace)


def _place(resource: ResourceType, obj: Object, namespace: str) -> None:
    """Give the object the URL's namespace; BadRequest when it names another."""
    metadata: dict[str, Any] = obj.setdefault("metadata", {})
    if not resource.namespaced:
        return
    if metadata.setdefault("namespace", namespace) not in (namespace, ""):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace
