"""Find what is owned: one complete listing of every type, at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cloudk8s.cloud.stack.interface import Observation, Observed, ResourceType, Scope, SharesReads
from cloudk8s.cloud.stack.journal import Journal
from cloudk8s.cloud.stack.retry import Retries


def observe(
    types: Sequence[ResourceType], scope: Scope, *, journal: Journal | None = None, retries: Retries | None = None,
    concurrency: int = 4,
) -> Observation:  # fmt: skip
    """Everything of the scope. Raises when any listing fails: a partial answer would create twice."""
    policy = retries or Retries()

    def listed(kind: ResourceType) -> Sequence[Observed]:
        return policy.call(lambda: kind.list(scope))

    _begin(types, scope, policy)
    if concurrency <= 1 or len(types) <= 1:
        found = [listed(kind) for kind in types]
    else:
        with ThreadPoolExecutor(concurrency, thread_name_prefix="observe") as pool:
            found = list(pool.map(listed, types))
    entries = tuple(entry for listing in found for entry in listing if not scope.owner or entry.owner == scope.owner)
    observation = Observation(entries)
    if journal is None:
        return observation
    names = {kind.name for kind in types}
    corrected = Observation(tuple(entry for entry in journal.correct(observation).resources if entry.type in names))
    return corrected.of(scope.owner) if scope.owner else corrected


def _begin(types: Sequence[ResourceType], scope: Scope, retries: Retries) -> None:
    """Tell what the types share that an observation begins; each shared thing once."""
    sharing = {id(kind.shared): kind.shared for kind in types if isinstance(kind, SharesReads)}
    for shared in sharing.values():
        names = [kind.name for kind in types if isinstance(kind, SharesReads) and kind.shared is shared]
        retries.call(lambda shared=shared, names=names: shared.begin(scope, names))  # type: ignore[misc]
