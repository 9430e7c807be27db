"""Drivers of all kinds: what they can do, what they get wrong, and what their errors mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import InvalidCredsError

from cloudk8s.errors import CloudError, CloudForbidden, CloudNotFound, QuotaExceeded, RetryLater, SettingsError
from cloudk8s.plugin import Machine, MachineRequest, NodeRef, Plugins
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.errors import cloud_error
from cloudk8s_libcloud.instances import LibcloudInstances
from cloudk8s_libcloud.machines import LibcloudMachines
from cloudk8s_libcloud.settings import LibcloudSettings
from cloudk8s_libcloud.testing import Ec2World


def dummy() -> Driver:
    return Driver(LibcloudSettings(driver="dummy", key="2"))


def test_the_dummy_driver_serves_instances() -> None:
    instances = LibcloudInstances(dummy(), cloud="lab")
    found = instances.describe([NodeRef("dummy-1"), NodeRef("stranger")])
    assert list(found) == ["dummy-1"]
    assert found["dummy-1"].provider_id == "libcloud://lab/1"
    assert [entry.type for entry in found["dummy-1"].addresses] == ["InternalIP", "ExternalIP", "Hostname"]


def test_a_lost_node_is_gone_and_another_clouds_is_nobodys() -> None:
    instances = LibcloudInstances(dummy(), cloud="lab")
    refs = [NodeRef("a", provider_id="libcloud://lab/99"), NodeRef("b", provider_id="libcloud://office/1")]
    assert {name: found.state for name, found in instances.describe(refs).items()} == {"a": "gone"}


def test_an_empty_listing_is_doubt() -> None:
    driver = dummy()
    driver.call("empty", lambda inner: inner.nl.clear())
    found = LibcloudInstances(driver, cloud="lab").describe([NodeRef("a", provider_id="libcloud://lab/1")])
    assert found["a"].state == "unknown"
    assert "listed no node at all" in found["a"].reason


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("RUNNING", "present"), ("REBOOTING", "present"), ("PENDING", "present"), ("ERROR", "present"),
        ("STOPPED", "shutdown"), ("SUSPENDED", "shutdown"), ("PAUSED", "shutdown"), ("UNKNOWN", "unknown"),
        ("TERMINATED", "shutdown"),
    ],
)  # fmt: skip
def test_what_states_mean(state: str, told: str) -> None:
    from libcloud.compute.types import NodeState

    driver = dummy()

    def change(inner: Any) -> None:
        inner.nl[1].state = getattr(NodeState, state)

    driver.call("change", change)
    ref = NodeRef("dummy-1", provider_id="libcloud://lab/1")
    assert LibcloudInstances(driver, cloud="lab").describe([ref])["dummy-1"].state == told


def test_a_driver_without_tags_offers_no_machines() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("lab", "libcloud", {"driver": "dummy", "key": "2"}, cluster="c")
    assert plugins.machines(cloud) is None
    assert plugins.instances(cloud) is not None


def test_a_misspelt_driver_is_a_settings_error_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="no compute driver 'openstak'; did you mean 'openstack'"):
        Driver(LibcloudSettings(driver="openstak")).nodes()


def test_missing_arguments_of_a_driver_are_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="libcloud driver 'dummy'"):
        Driver(LibcloudSettings(driver="dummy")).nodes()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: InvalidCredsError("no"), CloudForbidden),
        (lambda: BaseHTTPError(404, "gone"), CloudNotFound),
        (lambda: BaseHTTPError(403, "Quota exceeded for cores"), QuotaExceeded),
        (lambda: BaseHTTPError(403, "no"), CloudForbidden),
        (lambda: BaseHTTPError(500, ""), CloudError),
        (lambda: RateLimitReachedError(headers={"retry-after": "7"}), RetryLater),
        (lambda: Exception("InstanceLimitExceeded: no more"), QuotaExceeded),
        (lambda: Exception("InvalidInstanceID.NotFound: x"), CloudNotFound),
        (lambda: ConnectionResetError("reset"), CloudError),
    ],
)
def test_errors_become_the_cores_classes(make: Callable[[], Exception], kind: type[CloudError]) -> None:
    assert type(cloud_error(make(), "call")) is kind


def test_user_data_tags_and_token_go_with_the_machine(world: Ec2World) -> None:
    request = MachineRequest("u1", "n1", "c", pool="blue", user_data=b"#!/bin/sh\n", tags={"team": "a"})
    made = world.machines().create([request])["u1"]
    assert isinstance(made, Machine)
    assert made.tags["team"] == "a"
    assert (made.pool, made.role, made.type) == ("blue", "worker", "t3.small")
    data = world.raw(lambda driver: driver.list_nodes())[0]
    assert data.extra["tags"]["Name"] == "n1"


def test_sizes_are_told_with_what_is_known_of_them(world: Ec2World) -> None:
    types = {entry.name: entry for entry in world.machines().types()}
    assert types["t3.small"].memory_bytes == 2 * 1024**3
    assert types["t3.small"].cpus == 2


def test_a_driver_that_answers_with_a_list_has_made_one_machine(world: Ec2World) -> None:
    driver = world.driver()

    def answer_with_a_list(inner: Any) -> None:
        create = inner.create_node
        inner.create_node = lambda **arguments: [create(**arguments)]

    driver.call("prepare", answer_with_a_list)
    made = LibcloudMachines(driver, world.settings, cloud="cloud").create([MachineRequest("u1", "n1", "c")])["u1"]
    assert isinstance(made, Machine)
    assert made.id == world.raw(lambda inner: inner.list_nodes())[0].id


def test_tags_go_with_the_call_that_makes_a_machine(world: Ec2World) -> None:
    """In a call of their own they could fail, and nobody would know whose the machine is."""
    world.machines().create([MachineRequest("u1", "n1", "c")])
    assert [call for call in world.faults.calls if not call.startswith("Describe")] == ["RunInstances"]
