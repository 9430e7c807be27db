"""A cluster on (emulated) AWS that looks after itself, by the role of its own machines and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.objects import condition, name_of
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import CloudK8sError
from cloudk8s.plugin import Plugins
from cloudk8s.provisioning.access import access_to
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.seizing import seize
from cloudk8s.provisioning.site import Site, open_site
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from tests.e2e.emulated_region import Region

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(400)]
NAME = "own"
POOL = f"{NAME}-workers"


class World:
    """The cluster, as somebody sees it who may do everything; nothing below changes the account but the cluster."""

    def __init__(self, region: Region, site: Site) -> None:
        self.region, self.site = region, site
        self.api = ClusterApi(access_to(site, look(site)))

    def workers(self) -> list[Machine]:
        found = self.site.machines.list_owned(NAME)
        return [machine for machine in found if machine.role == "worker" and machine.state in ("pending", "running")]

    def ready(self) -> set[str]:
        nodes = self.api.list(NODES)
        return {name_of(node) for node in nodes if (condition(node, "Ready") or {}).get("status") == "True"}

    def is_whole(self, workers: int) -> bool:
        """So many workers are there, all of them and nobody else are nodes, and the objects show it."""
        names = {machine.name for machine in self.workers()}
        pool: Any = next(entry for entry in self.api.list(kinds.MACHINE_DEPLOYMENTS, namespace=kinds.NAMESPACE))
        status = pool.get("status") or {}
        is_shown = status.get("availableReplicas") == status.get("replicas") == workers
        return len(names) == workers and len(self.ready()) == workers + 1 and names < self.ready() and is_shown


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    directory: Path = tmp_path_factory.mktemp("region")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_DATA_HOME", str(directory))
        with Region(NAME, directory / "machines", monkeypatch) as region:
            site = open_site(Plugins.load(), "aws", region.settings, NAME)
            declared = {
                "name": NAME, "provider": "aws", "settings": region.settings, "selfManaged": True,
                "network": {"zoneCount": 1}, "pools": [{"replicas": 1}],
            }  # fmt: skip
            converge(site, declare(declared, "test"), timeout=120)
            found = World(region, site)
            yield found
            state = look(site)
            seize(site, state)
            tear_down(site, timeout=120, state=state, api=found.api)
            found.api.close()
            assert not region.left()
            until(lambda: not region.hosts(), 10)


def until(look: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until it is so; what can't be asked yet is not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(CloudK8sError, StopIteration):
            if look():
                return
        time.sleep(1)
    raise AssertionError("it did not come")


def test_it_scales_itself_as_its_objects_say(world: World) -> None:
    until(lambda: world.is_whole(1))
    world.api.patch(kinds.MACHINE_DEPLOYMENTS, POOL, {"spec": {"replicas": 2}}, namespace=kinds.NAMESPACE)
    until(lambda: world.is_whole(2))
    assert "ec2:RunInstances" in world.region.allowed


def test_a_machine_that_is_lost_is_replaced(world: World) -> None:
    victim = world.workers()[0]
    world.region.client("ec2").stop_instances(InstanceIds=[victim.id])
    until(lambda: victim.id not in {machine.id for machine in world.workers()} and world.is_whole(2))
    states = {machine.id: machine.state for machine in world.site.machines.list_owned(NAME)}
    assert states.get(victim.id, "gone") in ("deleting", "gone"), "it is not only stopped"
    assert "ec2:TerminateInstances" in world.region.allowed


def test_nothing_else_was_asked_of_the_account_than_its_role_may(world: World) -> None:
    assert world.region.denied == []
    import boto3

    given = world.region.role_credentials("control-plane")
    iam = boto3.client(
        "iam", region_name="us-east-1", endpoint_url=world.region.url, aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )  # fmt: skip
    with pytest.raises(Exception, match="not authorized to perform: iam:CreateUser"):
        iam.create_user(UserName="somebody")
