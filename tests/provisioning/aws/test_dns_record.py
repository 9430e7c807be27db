"""A name of the API in a hosted zone."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.access import access_to, network_of
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.state import look, look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from tests.provisioning.aws.harness import AwsCloud, declaration
from tests.provisioning.aws.test_faults import crash_everywhere


@pytest.fixture
def zone(cloud: AwsCloud) -> str:
    made = cloud.world.raw("route53").create_hosted_zone(Name="example.com", CallerReference="test")
    cloud.world.keep()
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def named(zone: str = "example.com", name: str = "", **fields: Any) -> ClusterDeclaration:
    return declaration(network={"api": {"dnsZone": zone, "dnsName": name}}, **fields)


def records(cloud: AwsCloud, zone: str) -> dict[str, Any]:
    found = cloud.world.raw("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {f"{entry['Name']} {entry['Type']}": entry for entry in found if entry["Type"] in ("A", "TXT", "CNAME")}


def test_the_api_answers_by_its_name(cloud: AwsCloud, zone: str) -> None:
    converge(cloud.site(), named())
    alias = records(cloud, zone)["api.demo.example.com. A"]["AliasTarget"]
    balancer = cloud.world.raw("elbv2").describe_load_balancers()["LoadBalancers"][0]
    assert alias["DNSName"].rstrip(".") == balancer["DNSName"]
    site = cloud.site()
    assert network_of(site, look(site)).endpoint == "api.demo.example.com:6443"


def test_kubeconfigs_and_machines_have_the_name(cloud: AwsCloud, zone: str) -> None:
    """What a machine is told as its endpoint is among the names of its certificate."""
    converge(cloud.site(), named(pools=[]))
    site = cloud.site()
    state = look(site)
    assert access_to(site, state).server == "https://api.demo.example.com:6443"
    (machine,) = state.machines
    data = cloud.world.raw("ec2").describe_instance_attribute(InstanceId=machine.machine.id, Attribute="userData")
    assert '"endpoint":"api.demo.example.com:6443"' in base64.b64decode(data["UserData"]["Value"]).decode()


@pytest.mark.parametrize("name", ["k8s", "k8s.example.com", "k8s.example.com."])
def test_zone_by_id_and_name_as_one_likes(cloud: AwsCloud, zone: str, name: str) -> None:
    converge(cloud.site(), named(zone, name))
    assert "k8s.example.com. A" in records(cloud, zone)


def test_the_plan_is_the_calls_then_made_and_nothing_is_left(cloud: AwsCloud, zone: str) -> None:
    for expected in (1, 0):
        site = cloud.site()
        state = look(site)
        plan = plan_cluster(site, settled(site, named(), state), state)
        cloud.world.faults.forget()
        converge(site, named())
        assert plan.calls is not None
        assert Counter(cloud.mutations) == Counter(plan.calls)
        assert Counter(cloud.mutations)["ChangeResourceRecordSets"] == expected
    site = cloud.site()
    deletion = plan_deletion(site, look_to_delete(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert deletion.calls is not None
    assert Counter(cloud.mutations) == Counter(deletion.calls)
    assert records(cloud, zone) == {}
    assert not cloud.world.left()


def test_drift_is_mended(cloud: AwsCloud, zone: str) -> None:
    converge(cloud.site(), named())
    alias = dict(records(cloud, zone)["api.demo.example.com. A"])
    alias["AliasTarget"] = {**alias["AliasTarget"], "DNSName": "elsewhere.elb.us-east-1.amazonaws.com"}
    change = {"Action": "UPSERT", "ResourceRecordSet": alias}
    cloud.world.raw("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    converge(cloud.site(), named())
    assert "elsewhere" not in str(records(cloud, zone))


def test_records_of_others_are_never_touched(cloud: AwsCloud, zone: str) -> None:
    foreign = {
        "Name": "api.demo.example.com.", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "example.org"}],
    }  # fmt: skip
    change = {"Action": "CREATE", "ResourceRecordSet": foreign}
    cloud.world.raw("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    with pytest.raises(SettingsError, match=r"dnsName: api\.demo\.example\.com is in the zone already"):
        converge(cloud.site(), named())
    tear_down(cloud.site())
    assert "api.demo.example.com. CNAME" in records(cloud, zone)


def test_a_zone_that_is_not_there_is_named(cloud: AwsCloud) -> None:
    with pytest.raises(SettingsError, match=r"dnsZone: there is no hosted zone for example\.net"):
        converge(cloud.site(), named("example.net"))
    tear_down(cloud.site())
    assert not cloud.world.left()


def test_the_name_stays_for_the_life_of_a_cluster(cloud: AwsCloud, zone: str) -> None:
    converge(cloud.site(), named())
    with pytest.raises(SettingsError, match="have the API's name from the beginning"):
        converge(cloud.site(), declaration())


def test_a_crash_leaves_nothing_that_the_next_run_does_not_mend(cloud: AwsCloud) -> None:
    def furnish() -> None:
        cloud.world.raw("route53").create_hosted_zone(Name="example.com", CallerReference="test")
        cloud.world.keep()

    small = named(pools=[{"replicas": 0}])
    crash_everywhere(cloud, None, small, 27, 6, furnish=furnish)
    crash_everywhere(cloud, small, None, 1, 6, furnish=furnish)
