"""What creating, updating and deleting share: encode, store, remember."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from time import perf_counter
from typing import Any, TypeVar

from cloudk8s.api.conversion import convert
from cloudk8s.api.custom.reading import in_version
from cloudk8s.api.custom.resource import CustomResource
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.encoding import draft_of
from cloudk8s.errors import InternalError, StorageError
from cloudk8s.storage.interface import Draft, Durability, Record, RevisionConflict, Write

T = TypeVar("T")

_log = logging.getLogger(__name__)
_RELAXED = frozenset({"events", "leases"})


def durability(resource: ResourceType) -> Durability:
    """Events and leases are written again and again; losing the last moment of them in a crash hurts nobody."""
    return "relaxed" if resource.plural in _RELAXED else "durable"


def stored_form(core: Core, resource: ResourceType, obj: Object) -> Object:
    """The object in the version that is stored."""
    target = core.stored_as(resource)
    if target is resource:
        return obj
    if isinstance(target, CustomResource):
        return in_version(obj, target)
    converted = convert(obj, target.api_version)
    core.strategy(target).set_defaults(converted)
    core.decoder.complete(converted, target.schema)
    return converted


def draft(core: Core, resource: ResourceType, obj: Object) -> Draft:
    """Encode an object, in its stored version, with what selectors look at."""
    stored = stored_form(core, resource, obj)
    return draft_of(stored, core.attributes_of(core.stored_as(resource), stored))


async def store(core: Core, resource: ResourceType, obj: Object, write: Write) -> Record:
    """Write, and keep the tree of what is changed, and so likely soon again, at hand. Raises RevisionConflict.

    Watches in this process are handed the tree itself. Beyond that a new object's is not kept: a burst of creations
    would fill memory with live trees for the garbage collector to go through.
    """
    is_own_form = core.stored_as(resource) is resource
    started = perf_counter()
    if write.draft is not None and is_own_form:
        core.trees.expect(write.draft, obj)
    try:
        record = await core.store.write(Write(write.key, write.draft, write.expected, durability(resource)))
    except RevisionConflict:
        raise
    except StorageError as error:
        raise InternalError(f"{write.key}: {error}") from error
    finally:
        operation = "delete" if write.draft is None else "update" if write.expected else "create"
        core.measures.store.of(operation, resource.group, resource.plural).observe(perf_counter() - started)
        if write.draft is not None:
            core.trees.forget(write.draft)
    if write.expected and write.draft and record.memo is None and is_own_form:
        obj["metadata"]["resourceVersion"] = str(record.revision)
        core.trees.keep(record, obj)
    return record


def dry_record(core: Core, resource: ResourceType, key: str, obj: Object, revision: int = 0) -> Record:
    """What a write would have stored; a new object has no resource version then, as upstream answers."""
    value = draft(core, resource, obj)
    place = b'"resourceVersion":""'
    if revision:
        return Record(key, value.head + str(revision).encode() + value.tail, revision, value.attributes)
    data = (value.head + value.tail).replace(place + b",", b"", 1).replace(b"," + place, b"", 1)
    return Record(key, data, 0, value.attributes)


async def carry_out(request: AdmissionRequest, work: Coroutine[Any, Any, T], *, happened: Callable[[T], bool]) -> T:
    """Do an admitted write, then what admission asked for after it; `happened` tells from its outcome which that is.

    Where admission asked for something, both are seen through, also when whoever waits for them is cancelled: the write
    may happen all the same, and what is held for it has to be right in either case.
    """
    if not (request.on_commit or request.on_failure or request.on_end):
        return await work
    return await asyncio.shield(_carried_out(request, work, happened))


async def _carried_out(
    request: AdmissionRequest, work: Coroutine[Any, Any, T], happened: Callable[[T], bool]
) -> T:  # fmt: skip
    try:
        done = await work
    except Exception:  # not where the server itself ends: the write may happen then
        give_up(request)
        raise
    _run_all(request.on_commit if happened(done) else request.on_failure)
    _run_all(request.on_end)
    return done


def give_up(request: AdmissionRequest) -> None:
    """The write does not happen."""
    _run_all(request.on_failure)
    _run_all(request.on_end)


def _run_all(calls: Iterable[Callable[[], Any]]) -> None:
    """Run what admission asked for after the write; a failure here must not undo an answer."""
    for call in calls:
        try:
            call()
        except Exception:  # noqa: BLE001 - logged; the answer stands
            _log.exception("after-write hook failed")
