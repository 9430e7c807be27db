"""ReplicationControllers: what ReplicaSets were before. Their selector is a plain map of labels."""

from __future__ import annotations

from cloudk8s.client.resources import REPLICATION_CONTROLLERS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.replicas import ReplicaKind, ReplicasController
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.machinery import labels


class ReplicationControllerController(ReplicasController):
    """Creates, adopts, releases and deletes pods so that each ReplicationController has `spec.replicas` of them."""

    def __init__(self, context: ControllerContext) -> None:
        selectors = SelectorCache(labels.from_map)
        workers = context.options.concurrent_rc_syncs
        kind = ReplicaKind(REPLICATION_CONTROLLERS, "replication-controller", selectors.of, workers)
        super().__init__(context, kind)
