"""ReplicaSets: as many pods as asked for. https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/"""

from __future__ import annotations

from cloudk8s.client.resources import REPLICA_SETS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.replicas import ReplicaKind, ReplicasController
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.machinery import labels


class ReplicaSetController(ReplicasController):
    """Creates, adopts, releases and deletes pods so that each ReplicaSet has `spec.replicas` of them."""

    def __init__(self, context: ControllerContext) -> None:
        selectors = SelectorCache(labels.from_object)
        workers = context.options.concurrent_replicaset_syncs
        kind = ReplicaKind(REPLICA_SETS, "replicaset-controller", selectors.of, workers)
        super().__init__(context, kind)
