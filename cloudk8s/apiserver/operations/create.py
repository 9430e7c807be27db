"""Create one object."""

from __future__ import annotations

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations import writing
from cloudk8s.apiserver.operations.owners import drop_duplicate_owners
from cloudk8s.machinery import names
from cloudk8s.machinery.times import format_time
from cloudk8s.storage.interface import Record, RevisionConflict, Write

_ATTEMPTS = 8
"""How often a generated name that is taken is made anew; upstream's `maxNameGenerationCreateAttempts`."""
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
"""What of metadata the server alone says; nobody owns it, and admission does not see what a client says."""


async def create(
    core: Core,
    context: RequestContext,
    resource: ResourceType,
    obj: Object,
    *,
    options: Object | None = None,
    manages_fields: bool = True,
    is_prepared: bool = False,
) -> Record:
    """Create `obj`, a decoded and pruned tree that this call owns; returns what was stored.

    For a dry run the record carries no revision of its own and nothing is stored.
    """
    metadata = obj["metadata"]
    strategy = core.strategy(resource)
    if not is_prepared:
        prepare(core, context, resource, obj, manages_fields=manages_fields)
    request = _admission(context, resource, obj, options or {})
    generated = _needs_name(metadata)
    try:
        await core.admission.admit(request)
        drop_duplicate_owners(obj, context.warn, after_admission=True)
        _begin(core, resource, obj)
        strategy.prepare_create(obj)
        if strategy.has_generation:
            metadata["generation"] = 1
        if _needs_name(metadata):
            metadata["name"] = names.generate_name(metadata["generateName"], max_length=strategy.generate_name_max)
        _check(core, context, resource, obj)
        request.name = metadata["name"]
        await core.admission.validate(request)
    except BaseException:
        writing.give_up(request)
        raise
    work = _store(core, context, request, obj, generated)
    return await writing.carry_out(request, work, happened=lambda _: not context.dry_run)


def prepare(
    core: Core, context: RequestContext, resource: ResourceType, obj: Object, *, manages_fields: bool = True
) -> None:
    """The first steps of a creation, which depend on nothing but the object and who sends it: defaults, own fields."""
    metadata = obj["metadata"]
    for name in _SYSTEM_FIELDS:
        metadata.pop(name, None)
    drop_duplicate_owners(obj, context.warn)
    core.strategy(resource).set_defaults(obj)
    if manages_fields:
        core.fields.on_create(context, resource, obj)


def _admission(context: RequestContext, resource: ResourceType, obj: Object, options: Object) -> AdmissionRequest:
    metadata = obj["metadata"]
    return AdmissionRequest(
        "CREATE", resource, "", metadata.get("namespace", ""), metadata.get("name", ""), obj, None, context.user,
        context.dry_run, options, context.warn, [], [], note=context.note,
    )  # fmt: skip


def _begin(core: Core, resource: ResourceType, obj: Object) -> None:
    """Fill the server's part of a new object's metadata."""
    metadata = obj["metadata"]
    for name in (*_SYSTEM_FIELDS, "resourceVersion", "generation"):
        metadata.pop(name, None)
    metadata["uid"] = names.new_uid()
    metadata["creationTimestamp"] = format_time(core.clock.now())
    if not resource.namespaced:
        metadata.pop("namespace", None)


def _check(core: Core, context: RequestContext, resource: ResourceType, obj: Object) -> None:
    """Refuse what is wrong with the object, warn of what is odd, complete it; raises Invalid."""
    strategy = core.strategy(resource)
    known = strategy.known_parts(obj)
    if errors := strategy.validate_create(obj):
        raise failures.invalid_object(resource, obj["metadata"].get("name", ""), errors)
    warnings = strategy.warnings(obj, None)
    for text in warnings:
        context.warn(text)
    core.decoder.finish(obj, resource.schema, known)
    if not warnings and not known:
        strategy.note_usual(obj)


def _needs_name(metadata: Object) -> bool:
    return not metadata.get("name") and bool(metadata.get("generateName"))


async def _store(
    core: Core, context: RequestContext, request: AdmissionRequest, obj: Object, generated: bool
) -> Record:  # fmt: skip
    resource, metadata = request.resource, obj["metadata"]
    strategy = core.strategy(resource)
    for attempt in range(_ATTEMPTS):
        key = resource.key(metadata.get("namespace", ""), metadata["name"])
        if context.dry_run:
            if core.store.get(key) is None:
                return writing.dry_record(core, resource, key, obj)
        else:
            try:
                return await writing.store(core, resource, obj, Write(key, writing.draft(core, resource, obj), 0))
            except RevisionConflict:
                pass
        if not generated or attempt == _ATTEMPTS - 1:
            break
        metadata["name"] = names.generate_name(metadata["generateName"], max_length=strategy.generate_name_max)
        request.name = metadata["name"]
        for rename in request.on_rename:
            await rename()
    if metadata.get("generateName"):
        raise failures.no_unique_name(resource, metadata["name"])
    raise failures.already_exists(resource, metadata["name"])
