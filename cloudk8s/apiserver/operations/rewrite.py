"""Change a stored object for the server's own reasons: no admission, no validation, no owner of fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations import writing
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Record, RevisionConflict, Write

_ATTEMPTS: Final = 16


async def rewrite(
    core: Core, resource: ResourceType, namespace: str, name: str, transform: Callable[[Object], Object], *,
    dry_run: bool = False,
) -> Record:  # fmt: skip
    """Store what `transform` makes of a copy of the newest state; upstream's `GuaranteedUpdate`.

    `transform` may be called again after a lost race, and may refuse by raising.
    """
    key = resource.key(namespace, name)
    for _ in range(_ATTEMPTS):
        record = core.store.get(key)
        if record is None:
            raise failures.not_found(resource, name)
        old = core.tree(record)
        new = transform(codec.decode(record.value))
        if new == old:
            return record
        if dry_run:
            return writing.dry_record(core, resource, key, new, record.revision)
        try:
            return await writing.store(
                core, resource, new, Write(key, writing.draft(core, resource, new), record.revision)
            )
        except RevisionConflict:
            continue
    raise failures.conflict(resource, name)
