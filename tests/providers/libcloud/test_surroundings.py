"""Key pairs and security groups, as far as each driver goes; what it has is known before anything is called."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.plugin import Machine, MachineRequest, Network, NetworkRequest, Plugins
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.settings import LibcloudSettings
from cloudk8s_libcloud.surroundings.networks import LibcloudNetworks, arguments, has_groups, has_keys
from cloudk8s_libcloud.surroundings.rules import rules_of
from cloudk8s_libcloud.testing import Ec2World, public_key

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5 a@b"
PLACE = {"security_group": "cloudk8s_demo_machines", "security_group_id": "sg-1", "key_pair": "cloudk8s_demo_1"}


def driver(name: str) -> Driver:
    return Driver(LibcloudSettings(driver=name, key="2"))


@pytest.mark.parametrize(
    ("name", "groups", "keys"),
    [
        ("ec2", True, True),
        ("openstack", False, True),
        ("cloudstack", False, True),
        ("azure_arm", False, False),
        ("gce", False, False),
        ("dummy", False, False),
        ("digitalocean", False, False),
    ],
)
def test_what_a_driver_has_is_known_without_a_call(name: str, groups: bool, keys: bool) -> None:
    found = driver(name)
    assert (has_groups(found), has_keys(found, LibcloudSettings(driver=name, ssh_public_key=KEY))) == (groups, keys)
    assert not has_keys(found, LibcloudSettings(driver=name)), "without a key nobody may log in"


def test_a_driver_without_any_of_it_has_no_networks() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("lab", "libcloud", {"driver": "dummy", "key": "2", "ssh_public_key": KEY}, cluster="demo")
    assert plugins.networks(cloud) is None
    cloud = plugins.cloud("lab", "libcloud", {"driver": "openstack", "key": "2"}, cluster="demo")
    assert plugins.networks(cloud) is None, "no key is wanted, and its groups are not known"


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("ec2", {}, {"ex_security_groups": ["cloudk8s_demo_machines"], "ex_keyname": "cloudk8s_demo_1"}),
        ("ec2", {"ex_subnet": "s"}, {"ex_security_group_ids": ["sg-1"], "ex_keyname": "cloudk8s_demo_1"}),
    ],
)
def test_arguments_are_the_drivers_own(name: str, options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert arguments(driver(name), PLACE, options) == expected


def test_a_driver_that_only_has_key_pairs_is_told_only_those() -> None:
    assert arguments(driver("openstack"), {"key_pair": "cloudk8s_demo_1"}, {}) == {"ex_keyname": "cloudk8s_demo_1"}


def test_what_is_asked_for_in_vain_is_told_beforehand() -> None:
    networks = LibcloudNetworks(driver("gce"), LibcloudSettings(driver="gce", ssh_public_key=KEY))
    said = networks.preflight(NetworkRequest("demo", "u"), [])
    assert [finding.field for finding in said] == ["ssh_public_key"]
    assert not any(finding.is_fatal for finding in said)


def converged(world: Ec2World, request: NetworkRequest) -> Network:
    networks = world.networks()
    engine = Engine(networks.resource_types(), retries=Retries(timer=world.wire.timer), concurrency=1)
    outcome = engine.converge(networks.stack(request), timeout=60)
    return networks.outputs(request, outcome.observation)


def group(world: Ec2World) -> Any:
    (found,) = (g for g in world.raw(lambda inner: inner.ex_get_security_groups()) if g.name.startswith("cloudk8s_"))
    return found


def test_a_machine_is_put_into_its_surroundings(world: Ec2World) -> None:
    network = converged(world, NetworkRequest("demo", "u"))
    place = network.attachments["worker/"]
    made = world.machines().create([MachineRequest("u1", "n1", "demo", network=place)])["u1"]
    assert isinstance(made, Machine)
    (node,) = world.raw(lambda inner: inner.list_nodes())
    assert node.extra["key_name"] == place["key_pair"]
    assert [entry["group_id"] for entry in node.extra["groups"]] == [group(world).id]
    assert network.id == group(world).id


def test_rules_follow_the_declaration_and_drift_is_mended(world: Ec2World) -> None:
    request = NetworkRequest("demo", "u", api_source_ranges=("10.0.0.0/8",), ssh_source_ranges=("10.1.0.0/16",))
    converged(world, request)
    before = group(world).id
    world.raw(lambda inner: inner.ex_authorize_security_group_ingress(before, 23, 23, cidr_ips=["0.0.0.0/0"]))
    converged(world, NetworkRequest("demo", "u", api_source_ranges=("10.0.0.0/8", "10.9.0.0/16")))
    found = {(r["protocol"], r["from_port"], cidr) for r in group(world).ingress_rules for cidr in r["cidr_ips"]}
    assert group(world).id == before
    assert {entry for entry in found if entry[0] == "tcp"} == {
        ("tcp", "6443", "10.0.0.0/8"), ("tcp", "6443", "10.9.0.0/16"),
    }  # fmt: skip


def test_another_key_is_another_key_pair(world: Ec2World) -> None:
    converged(world, NetworkRequest("demo", "u"))
    (before,) = world.raw(lambda inner: inner.list_key_pairs())
    world.settings.ssh_public_key, kept = public_key(), world.settings.ssh_public_key
    try:
        converged(world, NetworkRequest("demo", "u"))
        (after,) = world.raw(lambda inner: inner.list_key_pairs())
        assert after.name != before.name
    finally:
        world.settings.ssh_public_key = kept


def test_machines_reach_each_other_and_others_only_what_is_declared() -> None:
    found = rules_of(NetworkRequest("demo", "u", api_source_ranges=("192.0.2.0/24",)))
    assert {(entry["protocol"], entry["source"], entry["from"]) for entry in found} == {
        ("-1", "self", -1), ("tcp", "192.0.2.0/24", 6443), ("icmp", "0.0.0.0/0", 3),
    }  # fmt: skip
