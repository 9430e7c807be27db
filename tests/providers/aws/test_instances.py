"""Instances on EC2: identity, addresses, economy of calls."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.plugin import NodeAddress, NodeRef
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.addresses import node_addresses
from cloudk8s_aws.instances.provider_id import ProviderId
from cloudk8s_aws.testing import AwsWorld

CARDS = [
    {
        "Status": "in-use", "Attachment": {"DeviceIndex": 1}, "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.9"}],
        "Ipv6Addresses": [{"Ipv6Address": "2001:db8::9"}, {"Ipv6Address": "2001:db8::a"}],
    },
    {
        "Status": "in-use", "Attachment": {"DeviceIndex": 0},
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}, {"PrivateIpAddress": "10.0.0.2"}],
        "Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}],
    },
    {"Status": "detaching", "Attachment": {"DeviceIndex": 2}, "PrivateIpAddresses": [{"PrivateIpAddress": "10.9.9.9"}]},
]  # fmt: skip
INSTANCE = {
    "NetworkInterfaces": CARDS, "PublicIpAddress": "203.0.113.1", "PrivateDnsName": "ip-10-0-0-1.ec2.internal",
    "PublicDnsName": "ec2-203-0-113-1.amazonaws.com",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("aws:///us-east-1a/i-0123456789abcdef0", ProviderId("i-0123456789abcdef0", "us-east-1a")),
        ("aws:////i-0123456789abcdef0", ProviderId("i-0123456789abcdef0")),
        ("i-0123456789abcdef0", ProviderId("i-0123456789abcdef0")),
        ("aws:///us-east-1a/fargate-ip-10-0-0-1", ProviderId("", "us-east-1a")),
        ("aws:///us-east-1a/0123/fargate-10.0.0.1", ProviderId("", "us-east-1a")),
        ("aws:///us-east-1a/", ProviderId("", "us-east-1a")),
        ("kwok://node", None),
        ("i-nothex", None),
        ("", None),
    ],
)
def test_a10_provider_ids(text: str, parsed: ProviderId | None) -> None:
    assert provider_id.parse(text) == parsed


@pytest.mark.parametrize(
    ("zone", "region"),
    [("us-east-1a", "us-east-1"), ("us-gov-west-1b", "us-gov-west-1"), ("us-west-2-lax-1a", "us-west-2"), ("", "")],
)
def test_a_zone_names_its_region(zone: str, region: str) -> None:
    assert ProviderId("i-1234", zone).region == region


def test_a11_addresses_go_by_device_index() -> None:
    assert node_addresses(INSTANCE, ["ipv4"]) == (
        NodeAddress("InternalIP", "10.0.0.1"),
        NodeAddress("InternalIP", "10.0.0.2"),
        NodeAddress("InternalIP", "10.0.0.9"),
        NodeAddress("ExternalIP", "203.0.113.1"),
        NodeAddress("InternalDNS", "ip-10-0-0-1.ec2.internal"),
        NodeAddress("Hostname", "ip-10-0-0-1.ec2.internal"),
        NodeAddress("ExternalDNS", "ec2-203-0-113-1.amazonaws.com"),
    )


def test_ipv6_gives_the_first_address_of_each_card() -> None:
    addresses = [entry.address for entry in node_addresses(INSTANCE, ["ipv6"])]
    assert addresses == ["2001:db8::1", "2001:db8::9"]
    both = [entry.address for entry in node_addresses(INSTANCE, ["ipv6", "ipv4"])]
    assert both[:3] == ["2001:db8::1", "2001:db8::9", "10.0.0.1"]


def test_instances_of_another_region_are_another_clouds(world: AwsWorld) -> None:
    elsewhere = NodeRef("far", provider_id="aws:///eu-central-1a/i-0123456789abcdef0")
    here = NodeRef("near", provider_id="aws:///us-east-1a/i-0123456789abcdef0")
    assert {name: found.state for name, found in world.instances().describe([elsewhere, here]).items()} == {
        "near": "gone"
    }


def test_fargate_nodes_are_left_alone(world: AwsWorld) -> None:
    node = NodeRef("fargate", provider_id="aws:///us-east-1a/x/fargate-ip-10-0-0-1")
    assert world.instances().describe([node]) == {}
    assert world.faults.calls == []


def test_the_rule_that_matched_is_told(world: AwsWorld) -> None:
    node = world.start_instance("worker-1")
    instances = world.instances()
    id = provider_id.parse(node.provider_id)
    assert id is not None
    dns = next(entry.address for entry in node.addresses if entry.type == "InternalDNS")
    internal = (NodeAddress("InternalIP", node.addresses_of("InternalIP")[0]),)
    rules = {
        "provider-id": NodeRef("any", provider_id=node.provider_id),
        "instance-id": NodeRef(f"{id.instance}.example.com"),
        "name": NodeRef(dns),
        "tag": NodeRef("worker-1"),
        "address": NodeRef("unknown-name", addresses=internal),
    }
    for rule, ref in rules.items():
        assert instances.describe([ref])[ref.name].matched_by == rule


def test_an_ambiguous_name_is_nobodys(world: AwsWorld) -> None:
    world.start_instance("twin")
    world.start_instance("twin")
    assert world.instances().describe([NodeRef("twin")]) == {}


def test_zone_type_and_labels_are_told(world: AwsWorld) -> None:
    node = world.start_instance("n1")
    found = world.instances().describe([node])["n1"]
    assert (found.type, found.zone, found.region) == ("t3.small", "us-east-1a", "us-east-1")
    assert found.labels == {"topology.k8s.aws/zone-id": "use1-az6"}


def test_a9_300_lookups_cost_one_listing_and_a_bad_id_fails_no_other(world: AwsWorld) -> None:
    node = world.start_instance("n1")
    many = [NodeRef(f"x{n}", provider_id=f"aws:///us-east-1a/i-{n:017x}") for n in range(299)]
    instances = world.instances()
    instances.describe([node])
    world.faults.forget()
    found = instances.describe([node, *many])
    assert world.faults.calls == ["DescribeInstances"]
    assert found["n1"].state == "present"
    assert {found[ref.name].state for ref in many} == {"gone"}


def test_a_filter_never_has_more_values_than_aws_allows(world: AwsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    pages = AwsApi.pages

    def noted(api: AwsApi, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        sizes.extend(len(entry["Values"]) for entry in parameters.get("Filters", ()))
        return pages(api, service, operation, key, **parameters)

    monkeypatch.setattr(AwsApi, "pages", noted)
    nodes = [NodeRef(f"node-{number}") for number in range(450)]
    nodes += [NodeRef(f"known-{number}", provider_id=f"aws:///us-east-1a/i-{number:017}") for number in range(200)]
    world.instances().describe(nodes)
    assert max(sizes) == 200
