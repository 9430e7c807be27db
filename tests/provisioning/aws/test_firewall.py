"""What may reach what on AWS: the rules of the groups, as they then stand in the account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.planning import plan_cluster, settled
from cloudk8s.provisioning.state import look
from tests.provisioning.aws.harness import AwsCloud, declaration
from tests.provisioning.aws.test_existing_network import Surroundings, within

MACHINES = ("controlplane", "node")
INSIDE, WORLD = "10.0.0.0/16", "0.0.0.0/0"
AMONG_MACHINES = {("tcp", 10250, 10250), ("tcp", 179, 179), ("udp", 4789, 4789), ("udp", 8472, 8472), ("4", -1, -1)}
PATH_MTU = ("icmp", 3, 4, WORLD)
Rule = tuple[str, int, int, str]


def opened(cloud: AwsCloud, **fields: Any) -> dict[str, set[Rule]]:
    """What each group of a cluster lets in: protocol, ports, and a range or the group that it is let in from."""
    converge(cloud.site(), declaration(**fields))
    ec2 = cloud.world.raw("ec2")
    groups = {entry["GroupId"]: entry for entry in ec2.describe_security_groups()["SecurityGroups"]}
    names = {id: entry["GroupName"].removeprefix("demo-") for id, entry in groups.items()}
    wanted = ("apiserver-lb", *MACHINES)
    return {names[id]: set(_rules(entry, names)) for id, entry in groups.items() if names[id] in wanted}


def _rules(group: dict[str, Any], names: dict[str, str]) -> Iterator[Rule]:
    for entry in group["IpPermissions"]:
        sources = [each["CidrIp"] for each in entry["IpRanges"]]
        sources += [names[each["GroupId"]] for each in entry["UserIdGroupPairs"]]
        for source in sources:
            yield entry["IpProtocol"], entry.get("FromPort", -1), entry.get("ToPort", -1), source


def among(*sources: str) -> set[Rule]:
    return {(*rule, source) for rule in AMONG_MACHINES for source in sources}


def test_nothing_else_is_let_in_than_what_machines_need(cloud: AwsCloud) -> None:
    api = {("tcp", 6443, 6443, source) for source in ("apiserver-lb", *MACHINES)}
    etcd = {("tcp", port, port, "controlplane") for port in (2379, 2380)}
    assert opened(cloud) == {
        "apiserver-lb": {("tcp", 6443, 6443, WORLD), ("tcp", 6443, 6443, INSIDE)},
        "controlplane": {*api, *etcd, *among(*MACHINES), PATH_MTU},
        "node": {*among(*MACHINES), ("tcp", 30000, 32767, INSIDE), PATH_MTU},
    }


def test_what_is_declared_opens_the_rest(cloud: AwsCloud) -> None:
    api = {"port": 443, "scheme": "internal", "sourceRanges": ["192.0.2.0/24"]}
    network = {"api": api, "sshSourceRanges": ["198.51.100.0/24"], "nodePortSourceRanges": ["203.0.113.0/24"]}
    found = opened(cloud, network=network)
    assert found["apiserver-lb"] == {("tcp", 443, 443, INSIDE), ("tcp", 443, 443, "192.0.2.0/24")}
    assert ("tcp", 443, 443, "apiserver-lb") in found["controlplane"]
    assert {rule for rule in found["node"] if rule[1] == 30000} == {("tcp", 30000, 32767, "203.0.113.0/24")}
    assert all(("tcp", 22, 22, "198.51.100.0/24") in found[name] for name in MACHINES)


def test_one_group_only_is_marked_for_the_clusters_own_controllers(cloud: AwsCloud) -> None:
    opened(cloud)
    wanted = [{"Name": "tag:kubernetes.io/cluster/demo", "Values": ["owned"]}]
    found = cloud.world.raw("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
    assert [entry["GroupName"] for entry in found] == ["demo-node"]


def default_group(cloud: AwsCloud, vpc: str) -> dict[str, Any]:
    within = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (found,) = cloud.world.raw("ec2").describe_security_groups(Filters=within)["SecurityGroups"]
    return dict(found)


def own_vpc(cloud: AwsCloud) -> str:
    (vpc,) = [entry.id for entry in look(cloud.site()).observation.resources if entry.type == "vpc"]
    return vpc


def test_the_default_group_of_an_own_network_lets_nothing_in_or_out(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration(pools=[]))
    group = default_group(cloud, own_vpc(cloud))
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def test_rules_that_somebody_gives_the_default_group_are_taken_back_as_the_plan_says(cloud: AwsCloud) -> None:
    wanted = declaration(pools=[])
    converge(cloud.site(), wanted)
    group = default_group(cloud, own_vpc(cloud))["GroupId"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": WORLD, "Description": "mine"}]}
    cloud.world.raw("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
    site = cloud.site()
    state = look(site)
    plan = plan_cluster(site, settled(site, wanted, state), state)
    assert plan.network is not None
    (step,) = plan.network.mutations
    assert [(change.property, change.observed) for change in step.changes] == [("ingress", ["tcp 22 0.0.0.0/0"])]
    cloud.world.faults.forget()
    converge(cloud.site(), wanted)
    assert list(cloud.mutations) == list(plan.calls or ()) == ["RevokeSecurityGroupIngress"]
    assert default_group(cloud, own_vpc(cloud))["IpPermissions"] == []


def test_the_default_group_of_a_network_of_others_stays_as_it_is(cloud: AwsCloud) -> None:
    vpc = Surroundings(cloud).vpc
    before = default_group(cloud, vpc)
    converge(cloud.site(), within(vpc, pools=[]))
    assert default_group(cloud, vpc) == before
    assert before["IpPermissions"]
