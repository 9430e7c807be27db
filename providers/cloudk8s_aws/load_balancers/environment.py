"""Read what the model needs to know of the account; what rarely changes is read every few minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from cloudk8s.plugin import LoadBalancerRequest, NodeRef
from cloudk8s_aws.api import AwsApi, filters
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.inventory import Inventory
from cloudk8s_aws.instances.zones import Zones
from cloudk8s_aws.load_balancers.model import Environment
from cloudk8s_aws.load_balancers.node_rule import node_groups
from cloudk8s_aws.load_balancers.options import NlbOptions
from cloudk8s_aws.load_balancers.shared import SharedGroup, groups_of_nodes
from cloudk8s_aws.load_balancers.subnets import Subnet, named_subnets, read_subnets, select_subnets
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.vpc import Vpc

FRESH_SECONDS = 300.0


class EnvironmentReader:
    """Shared by all Services of a cloud."""

    def __init__(
        self, api: AwsApi, vpc: Vpc, inventory: Inventory, zones: Zones, shared: SharedGroup, settings: AwsSettings,
        *, cluster: str, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._api = api
        self._vpc = vpc
        self._inventory = inventory
        self._zones = zones
        self._shared = shared
        self._settings = settings
        self._cluster = cluster
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._subnets: list[Subnet] = []
        self._read = float("-inf")
        self._groups: dict[str, Mapping[str, str]] = {}
        self._groups_read = float("-inf")

    def read(self, request: LoadBalancerRequest, options: NlbOptions, *, prepare: bool = True) -> Environment:
        """What the model needs. `prepare` makes the shared group where it is not there; a plan only looks for it."""
        backend = self._backend(request, options) if prepare else self._shared.find()
        return Environment(
            vpc=self._vpc.id,
            subnets=self._select(options),
            backend_group="" if self._settings.security_group else backend,
            fixed_group=self._settings.security_group,
            tags=self._settings.tags,
        )

    def _backend(self, request: LoadBalancerRequest, options: NlbOptions) -> str:
        if self._settings.security_group or not options.manage_node_rules:
            return ""
        return self._shared.ensure(self._vpc.id, self.node_groups(request.nodes))

    def node_groups(self, nodes: Sequence[NodeRef]) -> frozenset[str]:
        """The security groups of nodes that rules go into."""
        if not self._settings.manage_node_rules:
            return frozenset()
        if self._settings.node_security_group:
            return frozenset({self._settings.node_security_group})
        parsed = (provider_id.parse(node.provider_id) for node in nodes)
        instances = self._inventory.recent({entry.instance for entry in parsed if entry and entry.instance})
        return groups_of_nodes(instances.values(), self._group_tags, self._cluster)

    def _group_tags(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Tags of nodes' security groups, read every few minutes."""
        with self._lock:
            if self._monotonic() - self._groups_read >= FRESH_SECONDS:
                self._groups, self._groups_read = {}, self._monotonic()
            if missing := sorted(set(ids) - self._groups.keys()):
                self._groups |= node_groups(self._api, missing)
            return {id: self._groups[id] for id in ids if id in self._groups}

    def _select(self, options: NlbOptions) -> tuple[str, ...]:
        if options.subnets:
            return named_subnets(self._all_subnets(), options.subnets)
        if self._settings.subnet_ids:
            return self._settings.subnet_ids
        return select_subnets(
            self._all_subnets(), cluster=self._cluster, scheme=options.scheme, is_plain_zone=self._zones.is_plain
        )

    def _all_subnets(self) -> list[Subnet]:
        with self._lock:
            if self._monotonic() - self._read >= FRESH_SECONDS:
                within = filters(vpc_id=[self._vpc.id])
                subnets = self._api.pages("ec2", "describe_subnets", "Subnets", Filters=within)
                tables = self._api.pages("ec2", "describe_route_tables", "RouteTables", Filters=within)
                self._subnets, self._read = read_subnets(subnets, tables), self._monotonic()
            return self._subnets
