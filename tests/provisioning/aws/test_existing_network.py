"""Clusters in a VPC that is there already."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.description import list_clusters
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.state import look, look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from tests.provisioning.aws.harness import ZONES, AwsCloud, declaration
from tests.provisioning.aws.test_faults import crash_everywhere


class Surroundings:
    """A VPC as others made it: public and private subnets, one NAT gateway."""

    def __init__(self, cloud: AwsCloud, *, cidr: str = "172.20.0.0/16", zones: int = 3, nat: bool = True) -> None:
        self.ec2 = ec2 = cloud.world.raw("ec2")
        self.vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.public_table = self._table(GatewayId=gateway)
        prefix = ".".join(cidr.split(".")[:2])
        self.public = [self._subnet(f"{prefix}.{n}.0/24", ZONES[n], self.public_table) for n in range(zones)]
        self.private: list[str] = []
        if nat:
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            made = ec2.create_nat_gateway(SubnetId=self.public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
            self.private_table = self._table(NatGatewayId=made)
            self.private = [
                self._subnet(f"{prefix}.{100 + n}.0/24", ZONES[n], self.private_table) for n in range(zones)
            ]
        cloud.world.keep()

    def tags(self) -> list[Any]:
        """Everything that is written on the network."""
        mine = [{"Name": "resource-id", "Values": [self.vpc, *self.public, *self.private, self.public_table]}]
        return sorted((e["ResourceId"], e["Key"], e["Value"]) for e in self.ec2.describe_tags(Filters=mine)["Tags"])

    def _table(self, **target: str) -> str:
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        return str(table)

    def _subnet(self, cidr: str, zone: str, table: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=made)
        return str(made)


def within(vpc: str, network: dict[str, Any] | None = None, **fields: Any) -> ClusterDeclaration:
    existing = {"id": vpc, **(network or {}).pop("existing", {})}
    return declaration(network={"existing": existing, **(network or {})}, **fields)


def test_machines_go_into_private_subnets_and_the_api_into_public_ones(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    converge(cloud.site(), within(there.vpc, controlPlane={"replicas": 3}, pools=[{"replicas": 3}]))
    instances = [e for r in there.ec2.describe_instances()["Reservations"] for e in r["Instances"]]
    assert sorted(entry["SubnetId"] for entry in instances) == sorted(there.private * 2)
    balancer = cloud.world.raw("elbv2").describe_load_balancers()["LoadBalancers"][0]
    assert sorted(zone["SubnetId"] for zone in balancer["AvailabilityZones"]) == sorted(there.public)
    made = Counter(cloud.mutations)
    assert not made.keys() & {"CreateVpc", "CreateSubnet", "CreateRoute", "CreateNatGateway", "AllocateAddress"}
    assert look(cloud.site()).recorded is not None
    assert [row["name"] for row in list_clusters(cloud.site())] == ["demo"]


def test_nothing_of_it_is_changed_but_one_tag_which_goes_again(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    before = there.tags()
    converge(cloud.site(), within(there.vpc))
    added = [tag for tag in there.tags() if tag not in before]
    assert {(key, value) for _, key, value in added} == {("kubernetes.io/cluster/demo", "shared")}
    routes = {"RouteTableId": there.private_table, "DestinationCidrBlock": "10.244.1.0/24"}
    machine = next(view.machine.id for view in look(cloud.site()).machines)
    there.ec2.create_route(**routes, InstanceId=machine)
    tear_down(cloud.site())
    assert there.tags() == before
    assert not cloud.world.left()


def test_the_plan_says_what_is_used_and_is_the_calls_then_made(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    wanted = within(there.vpc)
    for is_new in (True, False):
        site = cloud.site()
        state = look(site)
        plan = plan_cluster(site, settled(site, wanted, state), state)
        assert any(line.startswith(f"= uses network {there.vpc} (172.20.0.0/16)") for line in plan.lines())
        assert any(there.private[0] in text for text in plan.as_dict()["uses"])
        assert plan.is_empty is not is_new
        assert plan.calls is not None
        cloud.world.faults.forget()
        converge(site, wanted)
        assert Counter(cloud.mutations) == Counter(plan.calls)
    site = cloud.site()
    deletion = plan_deletion(site, look_to_delete(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert deletion.calls is not None
    assert Counter(cloud.mutations) == Counter(deletion.calls)


def test_two_clusters_share_one_network(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    converge(cloud.site(), within(there.vpc))
    other = declaration("other", network={"existing": {"id": there.vpc}})
    converge(cloud.site("other"), other)
    assert [row["name"] for row in list_clusters(cloud.site())] == ["demo", "other"]
    tear_down(cloud.site())
    assert len(cloud.instances()) == 2
    cloud.world.faults.forget()
    converge(cloud.site("other"), other)
    assert cloud.mutations == []
    tear_down(cloud.site("other"))
    assert not cloud.world.left()


def test_subnets_can_be_named_by_id_or_tag(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    chosen = [there.public[1], there.private[1]]
    there.ec2.create_tags(Resources=chosen, Tags=[{"Key": "team", "Value": "k8s"}])
    for existing in ({"subnets": chosen}, {"subnetTags": {"team": "k8s"}}):
        site = cloud.site()
        found = settled(site, within(there.vpc, {"existing": dict(existing)}), look(site)).network.existing
        assert found is not None
        assert found.machine_subnets == {ZONES[1]: there.private[1]}


def test_without_private_subnets_machines_get_public_addresses(cloud: AwsCloud) -> None:
    there = Surroundings(cloud, nat=False)
    converge(cloud.site(), within(there.vpc, pools=[]))
    (reservation,) = there.ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["SubnetId"] == there.public[0]
    assert reservation["Instances"][0].get("PublicIpAddress")


def refusal(cloud: AwsCloud, wanted: ClusterDeclaration) -> str:
    site = cloud.site()
    cloud.world.faults.forget()
    with pytest.raises(SettingsError) as raised:
        settled(site, wanted, look(site))
    assert cloud.mutations == []
    return str(raised.value)


def test_everything_that_makes_it_unusable_is_told_at_once(cloud: AwsCloud) -> None:
    there = Surroundings(cloud, cidr="10.244.0.0/16", zones=1)
    there.ec2.modify_vpc_attribute(VpcId=there.vpc, EnableDnsHostnames={"Value": False})
    text = refusal(cloud, within(there.vpc, controlPlane={"replicas": 3}))
    assert "overlaps 10.244.0.0/16 of pods or Services" in text
    assert "enableDnsHostnames of" in text
    assert "usable subnets in 1 zones, but 3 are needed" in text


def test_networks_that_are_not_there_or_lead_nowhere(cloud: AwsCloud) -> None:
    assert "there is no VPC vpc-00000000" in refusal(cloud, within("vpc-00000000"))
    there = Surroundings(cloud)
    assert "no such subnet" in refusal(cloud, within(there.vpc, {"existing": {"subnets": ["subnet-1"]}}))
    assert "no usable subnet in us-east-1f" in refusal(cloud, within(there.vpc, {"zones": ["us-east-1f"]}))
    for table in (there.public_table, there.private_table):
        there.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert "has a route to the internet" in refusal(cloud, within(there.vpc))


def test_a_cluster_stays_where_it_is(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    converge(cloud.site(), within(there.vpc))
    assert "stays in its network" in refusal(cloud, declaration())


def test_a_crash_leaves_nothing_that_the_next_run_does_not_mend(cloud: AwsCloud) -> None:
    vpc: list[str] = []

    def furnish() -> None:
        vpc[:] = [Surroundings(cloud, zones=1).vpc]

    crash_everywhere(cloud, None, lambda: within(vpc[0], pools=[{"replicas": 0}]), 1, 7, furnish=furnish)
    crash_everywhere(cloud, lambda: within(vpc[0], pools=[{"replicas": 0}]), None, 1, 7, furnish=furnish)
