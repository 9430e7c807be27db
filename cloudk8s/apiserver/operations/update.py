"""Change one object: the loop that PUT, PATCH, apply and every writing subresource share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations import writing
from cloudk8s.apiserver.operations.owners import drop_duplicate_owners
from cloudk8s.machinery.apply import managed_fields
from cloudk8s.storage.interface import Record, RevisionConflict, Write

_ATTEMPTS: Final = 64
"""How often a change is put on the newest state after losing a race."""

Transform = Callable[[Object], Object]
"""Makes the new object from the stored one, which is shared and read-only; the result is the caller's to change."""
Create = Callable[[], Awaitable[Record]]


@dataclass(frozen=True, slots=True)
class Change:
    """What to do to which object."""

    resource: ResourceType
    namespace: str
    name: str
    transform: Transform
    subresource: str = ""
    manages_fields: bool = True
    """False where `transform` has worked out `managedFields` itself (apply)."""
    replaces: bool = False
    """A PUT, which some kinds allow only with a resource version."""
    retries: bool = True
    """Whether a lost race is tried again when the new object names no resource version."""
    create: Create | None = None
    """What to do when the object is absent; None is NotFound."""
    options: Object = field(default_factory=dict)
    check_admission: bool = True


async def update(core: Core, context: RequestContext, change: Change) -> tuple[Record, bool]:
    """Apply a change; returns the record and whether it was created.

    An update that changes nothing is not written and returns the stored record. One that removes the last finalizer
    of an object being deleted deletes it and returns it as it would have become.
    """
    resource = change.resource
    key = resource.key(change.namespace, change.name)
    for attempt in range(_ATTEMPTS):
        record = core.store.get(key)
        if record is None:
            if change.create is None:
                raise failures.not_found(resource, change.name)
            return await change.create(), True
        old = core.view(resource, record)
        new = change.transform(old)
        wanted = _precondition(core, change, new, old, record)
        try:
            return await _once(core, context, change, new, old, record), False
        except RevisionConflict:
            if wanted or not change.retries or attempt == _ATTEMPTS - 1:
                raise failures.conflict(resource, change.name) from None
    raise AssertionError("unreachable")


def _precondition(core: Core, change: Change, new: Object, old: Object, record: Record) -> int:
    """The revision that the new object insists on, 0 if none; Conflict if it is another one."""
    resource = change.resource
    text = new["metadata"].get("resourceVersion") or ""
    wanted = _revision(text) if text else 0
    if (
        not wanted
        and change.replaces
        and not change.subresource
        and not core.strategy(resource).allow_unconditional_update
    ):
        finding = invalid("metadata.resourceVersion", 0, "must be specified for an update")
        raise failures.invalid(resource.plural, resource.group, change.name, [finding])
    if wanted and wanted != record.revision:
        raise failures.conflict(resource, change.name)
    uid = new["metadata"].get("uid")
    if change.replaces and uid and uid != old["metadata"]["uid"]:
        raise failures.conflict(resource, change.name, precondition_failed(record.key, uid, old["metadata"]["uid"]))
    return wanted


def _revision(text: str) -> int:
    if text.isdecimal() and text.isascii():
        return int(text)
    raise failures.plain_error(f'strconv.ParseUint: parsing "{text}": invalid syntax')


def precondition_failed(key: str, wanted: str, found: str) -> str:
    """Upstream's words for a UID precondition that does not hold."""
    return (
        f"StorageError: invalid object, Code: 4, Key: {key.replace('/core/', '/', 1)}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    )


async def _once(
    core: Core, context: RequestContext, change: Change, new: Object, old: Object, record: Record
) -> Record:
    resource, strategy = change.resource, core.strategy(change.resource)
    _carry_over(new, old)
    if change.replaces:
        drop_duplicate_owners(new, context.warn)
    strategy.set_defaults(new)
    if change.manages_fields:
        core.fields.on_update(context, resource, new, old, change.subresource)
    request = AdmissionRequest(
        "UPDATE", resource, change.subresource, change.namespace, change.name, new, old, context.user,
        context.dry_run, change.options, context.warn, [], [], note=context.note,
    )  # fmt: skip
    try:
        if change.check_admission:
            await core.admission.admit(request)
        drop_duplicate_owners(new, context.warn, after_admission=True)
        _prepare(core, resource, new, old, change.subresource)
        errors = strategy.validate_update(new, old, change.subresource)
        if errors:
            raise failures.invalid_object(resource, change.name, errors)
        core.decoder.finish(new, resource.schema, old if resource.is_stored_form else None)
        for text in strategy.warnings(new, old):
            context.warn(text)
        if change.check_admission:
            await core.admission.validate(request)
    except BaseException:
        writing.give_up(request)
        raise
    work = _store(core, context, resource, new, old, record)
    return await writing.carry_out(request, work, happened=lambda _: not context.dry_run)


def _carry_over(new: Object, old: Object) -> None:
    """What an update cannot change or may leave out, before anyone looks at the new object."""
    source, target = old["metadata"], new["metadata"]
    for name in ("uid", "deletionGracePeriodSeconds", "namespace"):
        if not target.get(name) and name in source:
            target[name] = source[name]
    for name in ("creationTimestamp", "deletionTimestamp"):
        if name in source:
            target[name] = source[name]
    target.pop("selfLink", None)
    target["resourceVersion"] = source["resourceVersion"]
    new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]


def _prepare(core: Core, resource: ResourceType, new: Object, old: Object, subresource: str) -> None:
    """Let the strategy carry over what this (sub)resource may not change, then count generations."""
    strategy, generation = core.strategy(resource), old["metadata"].get("generation")
    new["metadata"].pop("generation", None)
    if generation is not None:
        new["metadata"]["generation"] = generation
    strategy.prepare_update(new, old, subresource)
    if generation is not None and subresource != "status" and strategy.spec_changed(new, old):
        new["metadata"]["generation"] = generation + 1


async def _store(
    core: Core, context: RequestContext, resource: ResourceType, new: Object, old: Object, record: Record
) -> Record:
    new = managed_fields.with_old_times(new, old)
    if new == old:
        return record
    metadata = new["metadata"]
    if context.dry_run:
        return writing.dry_record(core, resource, record.key, new, record.revision)
    draft = writing.draft(core, resource, new)
    if metadata.get("deletionTimestamp") and is_released(metadata) and not _holds_content(resource, new):
        await writing.store(core, resource, new, Write(record.key, None, record.revision))
        return writing.dry_record(core, resource, record.key, new, record.revision)
    return await writing.store(core, resource, new, Write(record.key, draft, record.revision))


def _holds_content(resource: ResourceType, obj: Object) -> bool:
    """A namespace that is not finalized yet."""
    return resource.plural == "namespaces" and not resource.group and bool((obj.get("spec") or {}).get("finalizers"))


def is_released(metadata: Object) -> bool:
    """Whether an object being deleted has nothing left that holds it."""
    return not metadata.get("finalizers") and not metadata.get("deletionGracePeriodSeconds")
