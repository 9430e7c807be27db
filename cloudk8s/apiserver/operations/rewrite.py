"""Change a stored object for the server's own reasons: no admission, no validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations import writing
from cloudk8s.storage.interface import Record, RevisionConflict, Write

_ATTEMPTS: Final = 16


async def rewrite(
    core: Core, resource: ResourceType, namespace: str, name: str, transform: Callable[[Object], Object], *,
    owned_through: str | None = None, dry_run: bool = False,
) -> Record:  # fmt: skip
    """Store what `transform` makes of the newest state; upstream's `GuaranteedUpdate`.

    `transform` is given the shared tree, of which it changes nothing: what it returns has metadata of its own and may
    share the rest. It may be called again after a lost race, and may refuse by raising. With `owned_through`, a
    subresource, the server comes to own what it changes, as by a write through that subresource; else nobody does.
    """
    key = resource.key(namespace, name)
    for _ in range(_ATTEMPTS):
        record = core.store.get(key)
        if record is None:
            raise failures.not_found(resource, name)
        old = core.tree(record)
        new = transform(old)
        if new == old:
            return record
        if owned_through is not None:
            core.fields.on_own_update(resource, new, old, owned_through)
        if dry_run:
            return writing.dry_record(core, resource, key, new, record.revision)
        try:
            return await writing.store(
                core, resource, new, Write(key, writing.draft(core, resource, new), record.revision)
            )
        except RevisionConflict:
            continue
    raise failures.conflict(resource, name)
