"""Settings become contracts; all contracts of one cloud share one API, one inventory and one VPC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s_aws.api import AwsApi, Prepare
from cloudk8s_aws.bindings.doors import Doors
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.cluster.networks import AwsNetworks
from cloudk8s_aws.ingress.contract import AwsIngresses
from cloudk8s_aws.ingress.contract import resource_types as ingress_types
from cloudk8s_aws.instances.contract import AwsInstances
from cloudk8s_aws.instances.inventory import Inventory
from cloudk8s_aws.instances.topology import Topology
from cloudk8s_aws.instances.zones import Zones
from cloudk8s_aws.load_balancers.contract import AwsLoadBalancers, resource_types, shared_types
from cloudk8s_aws.load_balancers.environment import EnvironmentReader
from cloudk8s_aws.load_balancers.shared import SharedGroup
from cloudk8s_aws.machines.contract import AwsMachines
from cloudk8s_aws.routes import AwsRoutes
from cloudk8s_aws.vpc import Vpc

if TYPE_CHECKING:
    from cloudk8s.plugin import Cloud
    from cloudk8s_aws.settings import AwsSettings


@dataclass
class Aws:
    """One configured cloud; each part is made when it is first used."""

    settings: AwsSettings
    cluster: str
    prepare: Prepare | None = None
    connection: AwsApi | None = None
    retries: Retries | None = None
    concurrency: int = 8
    boots: bool = True
    """Machines run their user data, unless the account is emulated."""
    shared_group: SharedGroup | None = None

    @cached_property
    def api(self) -> AwsApi:
        return self.connection or AwsApi(self.settings, prepare=self.prepare)

    @cached_property
    def vpc(self) -> Vpc:
        settings = self.settings
        return Vpc(self.api, cluster=self.cluster, vpc_id=settings.vpc_id, route_table_ids=settings.route_table_ids)

    @cached_property
    def inventory(self) -> Inventory:
        return Inventory(self.api, vpc_id=self.settings.vpc_id)

    @cached_property
    def zones(self) -> Zones:
        return Zones(self.api)

    @cached_property
    def cluster_vpc(self) -> KnownVpc:
        return KnownVpc(self.settings.vpc_id)

    @cached_property
    def topology(self) -> Topology:
        return Topology(self.api)

    def instances(self) -> AwsInstances:
        settings = self.settings
        return AwsInstances(
            self.inventory, self.zones, region=settings.region, cluster=self.cluster,
            families=settings.node_ip_families, topology=self.topology,
        )  # fmt: skip

    def routes(self) -> AwsRoutes:
        return AwsRoutes(self.api, self.vpc, self.inventory)

    def load_balancers(self) -> AwsLoadBalancers:
        retries = self.retries or Retries(attempts=2)
        shared = self._shared(retries)
        reader = self._reader(shared)
        engine = Engine(
            resource_types(self.api, classic=self.settings.classic), retries=retries, concurrency=self.concurrency
        )
        return AwsLoadBalancers(engine, reader, shared, self.settings, cluster=self.cluster, ingresses=self.ingresses)

    def ingresses(self) -> AwsIngresses:
        retries = self.retries or Retries(attempts=2)
        shared = self._shared(retries)
        reader = self._reader(shared)
        engine = Engine(ingress_types(self.api), retries=retries, concurrency=self.concurrency)
        return AwsIngresses(self.api, engine, reader, shared, cluster=self.cluster)

    def doors(self) -> Doors:
        reader = self._reader(self._shared(self.retries or Retries(attempts=2)))
        return Doors(self.api, groups=reader.node_groups, vpc=lambda: self.vpc.id)

    def _reader(self, shared: SharedGroup) -> EnvironmentReader:
        return EnvironmentReader(
            self.api, self.vpc, self.inventory, self.zones, shared, self.settings, cluster=self.cluster
        )

    def _shared(self, retries: Retries) -> SharedGroup:
        """One for all kinds of load balancers: nobody removes it while another uses it."""
        if self.shared_group is None:
            self.shared_group = SharedGroup(
                self.api, Engine(shared_types(self.api), retries=retries, concurrency=self.concurrency),
                cluster=self.cluster, tags=self.settings.tags,
            )  # fmt: skip
        return self.shared_group

    def machines(self) -> AwsMachines:
        settings = self.settings
        return AwsMachines(
            self.api, self.cluster_vpc, tags=settings.tags, families=settings.node_ip_families,
            is_emulated=settings.offline, boots=self.boots and not settings.offline,
        )  # fmt: skip

    def networks(self) -> AwsNetworks:
        return AwsNetworks(self.api, self.cluster_vpc, tags=self.settings.tags)


def aws_of(cloud: Cloud[AwsSettings]) -> Aws:
    """The parts of a configured cloud, made when they are first asked for."""
    if cloud.settings.parts is None or cloud.settings.parts.cluster != cloud.cluster:
        cloud.settings.use(Aws(cloud.settings, cloud.cluster))
    assert cloud.settings.parts is not None
    return cloud.settings.parts
