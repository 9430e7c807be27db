"""Delete one object or a selection: preconditions, grace, finalizers, propagation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloudk8s.api.custom.definition import terminating
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations import writing
from cloudk8s.apiserver.operations.update import is_released, precondition_failed
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import format_time, parse_time
from cloudk8s.storage.interface import Record, RevisionConflict, Write

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_ORPHANING: Final = frozenset({("batch", "jobs"), ("", "replicationcontrollers")})
"""Kinds whose dependents stay unless the client says otherwise, as they always did."""
_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions, read and validated."""

    grace_period_seconds: int | None = None
    propagation_policy: str = ""
    orphan_dependents: bool | None = None
    uid: str = ""
    resource_version: str = ""
    raw: Object | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of the object: its last state, and whether it is gone now or waits."""

    record: Record
    is_gone: bool


async def delete(
    core: Core, context: RequestContext, resource: ResourceType, namespace: str, name: str, options: DeleteOptions
) -> Deleted:
    """Delete an object or mark it as being deleted."""
    resource = core.stored_as(resource)
    key = resource.key(namespace, name)
    for attempt in range(_ATTEMPTS):
        record = core.store.get(key)
        if record is None:
            raise failures.not_found(resource, name)
        old = core.tree(record)
        _check_preconditions(resource, record, old, options)
        request = AdmissionRequest(
            "DELETE", resource, "", namespace, name, None, old, context.user, context.dry_run,
            options.raw or {}, context.warn, [], [],
        )  # fmt: skip
        await core.admission.admit(request)
        await core.admission.validate(request)
        try:
            work = _once(core, context, resource, record, old, options)
            return await writing.carry_out(request, work, happened=lambda it: it.is_gone and not context.dry_run)
        except RevisionConflict:
            if options.resource_version or attempt == _ATTEMPTS - 1:
                raise failures.conflict(resource, name) from None
    raise AssertionError("unreachable")


def _check_preconditions(resource: ResourceType, record: Record, old: Object, options: DeleteOptions) -> None:
    metadata = old["metadata"]
    if options.uid and options.uid != metadata["uid"]:
        reason = precondition_failed(record.key, options.uid, metadata["uid"])
        raise failures.conflict(resource, metadata["name"], reason)
    if options.resource_version and options.resource_version != str(record.revision):
        reason = (
            f"StorageError: invalid object, Code: 4, Key: {record.key.replace('/core/', '/', 1)}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: ResourceVersion in precondition: {options.resource_version}, "
            f"ResourceVersion in object meta: {record.revision}"
        )
        raise failures.conflict(resource, metadata["name"], reason)


async def _once(
    core: Core, context: RequestContext, resource: ResourceType, record: Record, old: Object, options: DeleteOptions
) -> Deleted:
    new = codec.copy(old)
    metadata = new["metadata"]
    if _is_namespace(resource) and (old.get("spec") or {}).get("finalizers"):
        return await _terminate(core, context, resource, record, new)
    if _is_definition(resource):
        return await _end_definition(core, context, resource, record, new)
    grace = _grace(resource, old, options)
    is_orphaning = (resource.group, resource.plural) in _ORPHANING
    _set_finalizers(metadata, options, is_orphaning=is_orphaning)
    if grace == 0 and not metadata.get("finalizers") and not _is_graceful(resource):
        return await _remove(core, context, resource, record, new)
    _mark(core, metadata, grace)
    if new == old:
        return Deleted(record, False)
    if "generation" in metadata and not old["metadata"].get("deletionTimestamp"):
        metadata["generation"] += 1
    if is_released(metadata):
        return await _remove(core, context, resource, record, new)
    if context.dry_run:
        return Deleted(writing.dry_record(core, resource, record.key, new, record.revision), False)
    write = Write(record.key, writing.draft(core, resource, new), record.revision)
    return Deleted(await writing.store(core, resource, new, write), False)


def _is_namespace(resource: ResourceType) -> bool:
    return resource.plural == "namespaces" and not resource.group


async def _terminate(
    core: Core, context: RequestContext, resource: ResourceType, record: Record, new: Object
) -> Deleted:
    """A namespace ends in two steps: it is marked, and gone once `finalize` has emptied its finalizers."""
    if new["metadata"].get("deletionTimestamp"):
        return Deleted(record, False)
    new["metadata"]["deletionTimestamp"] = format_time(core.clock.now())
    new["status"] = {**(new.get("status") or {}), "phase": "Terminating"}
    if context.dry_run:
        return Deleted(writing.dry_record(core, resource, record.key, new, record.revision), False)
    write = Write(record.key, writing.draft(core, resource, new), record.revision)
    return Deleted(await writing.store(core, resource, new, write), False)


def _is_definition(resource: ResourceType) -> bool:
    return resource.plural == "customresourcedefinitions" and resource.group == "apiextensions.k8s.io"


async def _end_definition(
    core: Core, context: RequestContext, resource: ResourceType, record: Record, new: Object
) -> Deleted:
    """A definition is marked, and gone once its objects are."""
    if new["metadata"].get("deletionTimestamp"):
        return Deleted(record, False)
    now = format_time(core.clock.now())
    new["metadata"]["deletionTimestamp"] = now
    new = terminating(new, now)
    if context.dry_run:
        return Deleted(writing.dry_record(core, resource, record.key, new, record.revision), False)
    write = Write(record.key, writing.draft(core, resource, new), record.revision)
    return Deleted(await writing.store(core, resource, new, write), False)


def _is_graceful(resource: ResourceType) -> bool:
    return resource.plural == "pods" and not resource.group


def _grace(resource: ResourceType, old: Object, options: DeleteOptions) -> int:
    """Seconds the object may take to go; only pods are deleted gracefully."""
    if not _is_graceful(resource):
        return 0
    spec, status = old.get("spec", {}), old.get("status", {})
    wanted = options.grace_period_seconds
    if wanted is None:
        wanted = spec.get("terminationGracePeriodSeconds", 30)
    if wanted < 0:
        wanted = 1
    if not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
        return 0
    return int(wanted)


def _set_finalizers(metadata: Object, options: DeleteOptions, *, is_orphaning: bool) -> None:
    """Add or remove the garbage collector's two finalizers as the propagation policy says.

    Without a policy those that are there stay, and only without them the kind's own habit counts.
    """
    policy = options.propagation_policy
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    if not policy and is_orphaning and not {ORPHAN, FOREGROUND} & set(metadata.get("finalizers", ())):
        policy = "Orphan"
    if not policy:
        return
    wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(policy)
    finalizers = [item for item in metadata.get("finalizers", []) if item not in (ORPHAN, FOREGROUND)]
    if wanted:
        finalizers.append(wanted)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)


def _mark(core: Core, metadata: Object, grace: int) -> None:
    """Set or shorten the deadline; a deletion can be hurried, never undone or prolonged."""
    now = core.clock.now()
    if metadata.get("deletionTimestamp"):
        previous = metadata.get("deletionGracePeriodSeconds")
        if previous is not None and grace >= previous:
            return
        began = parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=previous or 0)
        metadata["deletionTimestamp"] = format_time(began + timedelta(seconds=grace))
    else:
        metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace


async def _remove(core: Core, context: RequestContext, resource: ResourceType, record: Record, new: Object) -> Deleted:
    if context.dry_run:
        return Deleted(record, True)
    gone = await writing.store(core, resource, new, Write(record.key, None, record.revision))
    if _is_graceful(resource):
        gone = writing.dry_record(core, resource, record.key, new, gone.revision)
    return Deleted(gone, True)
