"""What all load balancers of a cluster share: one security group, let in by the nodes. Made with the first, gone with
the last.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Scope
from cloudk8s.cloud.stack.resource import OWNER_TAG, Owner, Ref, Resource, Stack
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.instances.inventory import InstanceData, group_ids
from cloudk8s_aws.load_balancers.balancer import owned_balancers
from cloudk8s_aws.load_balancers.naming import resource_name
from cloudk8s_aws.load_balancers.security_group import SecurityGroupType
from cloudk8s_aws.ownership import NETWORK, cluster_tag, share_of

CHECK_SECONDS = 1800.0
"""How long what was ensured is taken for granted."""
log = logging.getLogger(__name__)


class SharedGroup:
    """The group `k8s-traffic-…`. Safe to use by threads."""

    def __init__(
        self, api: AwsApi, engine: Engine, *, cluster: str, tags: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._api = api
        self._engine = engine
        self._cluster = cluster
        self._tags = tags
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._users = 0
        self._id = ""
        self._groups: frozenset[str] = frozenset()
        self._checked = float("-inf")

    @property
    def owner(self) -> Owner:
        """A cluster's own owner beside its Services."""
        return Owner(self._cluster, f"shared-{self._cluster}", f"cluster {self._cluster}")

    def __enter__(self) -> SharedGroup:
        """Use it: nobody removes it before the block ends."""
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._users -= 1

    def ensure(self, vpc: str, node_groups: Iterable[str]) -> str:
        """The group's id, after every node group lets it in. Reads nothing while nothing has changed."""
        wanted = frozenset(node_groups)
        with self._lock:
            fresh = self._monotonic() - self._checked < CHECK_SECONDS
            if self._id and fresh and wanted <= self._groups:
                return self._id
            outcome = self._engine.apply(self._stack(vpc, wanted | self._groups))
            outcome.raise_for_failure()
            group = outcome.observation.get("shared-group")
            assert group is not None
            self._id, self._groups, self._checked = group.id, wanted | self._groups, self._monotonic()
            return self._id

    def find(self) -> str:
        """The group's id where it is there; makes nothing."""
        if self._id:
            return self._id
        found = SecurityGroupType(self._api).list(Scope(self._cluster, self.owner.uid))
        return found[0].id if found else "(made with the first load balancer)"

    def remove_if_unused(self) -> None:
        """Remove it when no load balancer of the cluster is left."""
        with self._lock:
            if self._users or self._others_exist():
                return
            self._id, self._groups = "", frozenset()
            self._engine.delete(self.owner).raise_for_failure()

    def _others_exist(self) -> bool:
        groups = SecurityGroupType(self._api).list(Scope(self._cluster))
        if any(entry.owner != self.owner.uid and not entry.owner.startswith(NETWORK) for entry in groups):
            return True
        if not any(entry.owner == self.owner.uid for entry in groups):
            return True  # there is nothing to remove
        balancers = owned_balancers(self._api, Scope(self._cluster))
        return any(not tags.get(OWNER_TAG, "").startswith(NETWORK) for _, tags in balancers)

    def _stack(self, vpc: str, node_groups: Iterable[str]) -> Stack:
        name = resource_name("traffic", self.owner.uid, vpc)
        properties = {
            "name": name, "description": f"Load balancers of cluster {self._cluster} to its nodes", "vpc": vpc,
            "rules": [], "tags": {**self._tags, cluster_tag(self._cluster): "shared"},
        }  # fmt: skip
        group = Resource("security-group", "shared-group", properties)
        rules = [
            Resource("node-rule", f"node-rule/{id}", {"group": id, "source": Ref(group.key)})
            for id in sorted(node_groups)
        ]
        return Stack(self.owner, (group, *rules))


def choose_node_group(groups: Mapping[str, Mapping[str, str]], cluster: str) -> str | None:
    """The group of an instance that rules go into: the only one with the cluster's tag, else the only one.

    None where there is none, and where several could be meant: that is for people to decide.
    """
    tagged = [id for id, tags in groups.items() if share_of(tags, cluster) and "cloudk8s.io/resource" not in tags]
    candidates = tagged or list(groups)
    return candidates[0] if len(candidates) == 1 else None


def groups_of_nodes(
    instances: Iterable[InstanceData], read: Callable[[Sequence[str]], Mapping[str, Mapping[str, str]]], cluster: str
) -> frozenset[str]:
    """The groups of all nodes that rules go into; what is ambiguous is left out, with a warning."""
    sets = {group_ids(instance) for instance in instances}
    tags = read(sorted({id for ids in sets for id in ids}))
    chosen: set[str] = set()
    for ids in sets:
        known = {id: tags[id] for id in ids if id in tags}
        if group := choose_node_group(known, cluster):
            chosen.add(group)
        elif known:
            log.warning("nodes have the security groups %s; tag one with %s", ", ".join(ids), cluster_tag(cluster))
    return frozenset(chosen)
