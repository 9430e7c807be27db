"""Annotations that a Deployment and its ReplicaSets share: revisions, and the sizes that scaling starts from."""

from __future__ import annotations

from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of

REVISION: Final = "deployment.kubernetes.io/revision"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS: Final = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS: Final = "deployment.kubernetes.io/max-replicas"
ROLLBACK_TO: Final = "deprecated.deployment.rollback.to"
HISTORY_LIMIT: Final = 2000

NOT_COPIED: Final = frozenset({
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    ROLLBACK_TO,
})  # fmt: skip
"""Annotations of a Deployment that are not copied to its ReplicaSets, nor back on a rollback."""


def revision(obj: Object) -> int:
    """The revision of a Deployment or ReplicaSet; 0 if it has none or it is not a number."""
    return _number(annotations_of(obj).get(REVISION, "0"))


def size(replica_set: Object, annotation: str) -> int | None:
    """A size that an earlier reconciliation noted on a ReplicaSet."""
    text = annotations_of(replica_set).get(annotation)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def annotate(replica_set: Object, deployment: Object, new_revision: int) -> bool:
    """Copy annotations from the Deployment to its (own, mutable) new ReplicaSet; whether anything changed."""
    old = dict(annotations_of(replica_set))
    wanted = old | {k: v for k, v in annotations_of(deployment).items() if k not in NOT_COPIED}
    if _number(old.get(REVISION, "0")) < new_revision:
        wanted[REVISION] = str(new_revision)
        if REVISION in old:
            wanted[REVISION_HISTORY] = _history(old.get(REVISION_HISTORY, ""), old[REVISION])
    if wanted == old:
        return False
    replica_set["metadata"]["annotations"] = wanted
    return True


def _history(history: str, last: str) -> str:
    """Append a revision, dropping the oldest ones when it gets too long."""
    if not history:
        return last
    revisions = [*history.split(","), last]
    while len(",".join(revisions)) > HISTORY_LIMIT and len(revisions) > 1:
        del revisions[0]
    return ",".join(revisions)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
