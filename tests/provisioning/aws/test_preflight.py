"""What stands in the way of a new cluster is told before the first change, all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.plugin import Finding
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.preflight import preflight
from cloudk8s.provisioning.state import look
from cloudk8s_aws.cluster.layout import iam_name
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available
from tests.provisioning.aws.test_existing_network import Surroundings, within

STANDARD, ADDRESSES, NLBS = ("ec2", "L-1216C47A"), ("ec2", "L-0263D0A3"), ("elasticloadbalancing", "L-69A177A2")


def findings(cloud: AwsCloud, wanted: ClusterDeclaration) -> Sequence[Finding]:
    site = cloud.site()
    state = look(site)
    declared = settled(site, wanted, state)
    cloud.world.faults.forget()
    found = preflight(site, declared, state)
    assert not cloud.world.left()
    return found


def told(cloud: AwsCloud, wanted: ClusterDeclaration) -> str:
    return "\n".join(f"{entry.field}: {entry.message}" for entry in findings(cloud, wanted) if entry.is_fatal)


def test_an_account_with_room_has_nothing_against_it(cloud: AwsCloud) -> None:
    assert told(cloud, highly_available()) == ""


def test_everything_is_told_at_once_with_what_to_do(cloud: AwsCloud) -> None:
    world = cloud.world
    world.quotas |= {STANDARD: 8, ADDRESSES: 2, NLBS: 0, ("vpc", "L-F678F1CE"): 1}
    wanted = declaration(
        controlPlane={"replicas": 3},
        network={"nat": "per-zone"},
        pools=[{"replicas": 3}, {"name": "x", "type": "x9.big"}],
    )
    text = told(cloud, wanted)
    assert "network: us-east-1 has 1 of 1 VPCs; delete one, ask for more in Service Quotas, or use network" in text
    assert "network.nat: 3 elastic addresses are needed for NAT, but 0 of 2 are taken; use nat: single" in text
    assert "network.api: us-east-1 has 0 of 0 network load balancers; delete one, or ask for more" in text
    assert "pools: 12 vCPUs are needed, but 0 of 8 run already (quota L-1216C47A); use fewer" in text
    assert "network.zones: x9.big can't be had in us-east-1a; no zone of this region has it" in text


def test_processors_at_work_count(cloud: AwsCloud) -> None:
    cloud.world.quotas[STANDARD] = 10
    converge(cloud.site("other"), declaration("other", pools=[{"replicas": 2}]))
    cloud.world.keep()
    assert "but 6 of 10 run already" in told(cloud, declaration(pools=[{"replicas": 2}]))
    assert told(cloud, declaration(pools=[{"replicas": 1}])) == ""


def test_names_of_others_are_found(cloud: AwsCloud) -> None:
    ec2, iam = cloud.world.raw("ec2"), cloud.world.raw("iam")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "kubernetes.io/cluster/demo", "Value": "owned"}])
    iam.create_role(RoleName=iam_name("us-east-1", "demo", "worker"), AssumeRolePolicyDocument="{}")
    cloud.world.keep()
    text = told(cloud, declaration(network={"api": {"dnsZone": "example.net"}}))
    assert f"name: another cluster 'demo' is in us-east-1: {vpc} carry kubernetes.io/cluster/demo" in text
    assert "name: there is a role demo-worker-" in text
    assert "network.api.dnsZone: there is no hosted zone for example.net; make one" in text


def test_names_within_an_existing_network(cloud: AwsCloud) -> None:
    there = Surroundings(cloud)
    there.ec2.create_security_group(GroupName="demo-node", Description="a pet", VpcId=there.vpc)
    cloud.world.keep()
    assert f"{there.vpc} has a security group demo-node already" in told(cloud, within(there.vpc))


def test_ranges_of_peers_and_neighbours(cloud: AwsCloud) -> None:
    there, peer = Surroundings(cloud), Surroundings(cloud, cidr="10.96.0.0/16", zones=1)
    made = there.ec2.create_vpc_peering_connection(VpcId=there.vpc, PeerVpcId=peer.vpc)["VpcPeeringConnection"]
    there.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made["VpcPeeringConnectionId"])
    text = told(cloud, within(there.vpc))
    assert f"10.96.0.0/16 overlaps 10.96.0.0/16 of {peer.vpc}, a peer of {there.vpc}" in text
    notes = [entry.message for entry in findings(cloud, declaration(network={"cidr": "172.20.0.0/16"}))]
    assert f"172.20.0.0/16 overlaps 172.20.0.0/16 of {there.vpc}: the two can never be peered" in notes


def test_nothing_is_looked_at_for_a_cluster_that_is_there(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration())
    site = cloud.site()
    state = look(site)
    wanted = settled(site, declaration(), state)
    cloud.world.faults.forget()
    assert preflight(site, wanted, state) == []
    assert cloud.calls == []
