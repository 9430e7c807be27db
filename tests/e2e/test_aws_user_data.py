"""User data as it stands in an (emulated) AWS account, executed for real on hosts within this host: the nodes join."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cloudk8s.client.resources import CONFIG_MAPS, NODES
from cloudk8s.cloud.model.machine import Machine, MachineCapabilities, MachineRequest, MachineType
from cloudk8s.cloud.model.network import Network, NetworkCapabilities, NetworkRequest
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.resource import Owner, Stack
from cloudk8s.errors import CloudError
from cloudk8s.plugin import Failures, Plugins
from cloudk8s.provisioning.access import access_to
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site, open_site
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.testing import AwsWorld
from tests.provisioning.aws.harness import declaration

pytestmark = [pytest.mark.root]
NAME = "demo"


class HostedNetworks:
    """AWS, without the load balancer that nothing can be sent to."""

    def __init__(self, world: AwsWorld) -> None:
        self._world = world
        self._networks: Any = world.networks()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._networks, name)

    @property
    def capabilities(self) -> NetworkCapabilities:
        capabilities: NetworkCapabilities = self._networks.capabilities
        return replace(capabilities, api_load_balancer=False)

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        network: Network = self._networks.outputs(request, observation)
        return replace(network, endpoint="")


class HostedBalancer(HostedNetworks):
    """AWS, with the load balancer that this host has for its machines in place of the account's."""

    def __init__(self, world: AwsWorld, host: Site) -> None:
        super().__init__(world)
        assert host.networks is not None
        self._host, self._local = host, host.networks
        self._lead(())

    @property
    def capabilities(self) -> NetworkCapabilities:
        return replace(super().capabilities, api_load_balancer=True)

    @property
    def place(self) -> Mapping[str, str]:
        """Where machines are put here."""
        return self._network.attachments["worker/local-a"]

    def stack(self, request: NetworkRequest) -> Stack:
        """Lead to the hosts that stand for these instances."""
        stack: Stack = self._networks.stack(request)
        names = {machine.id: machine.name for machine in self._networks_machines()} if request.members else {}
        here = {machine.name: machine.id for machine in self._host.machines.list_owned(NAME)}
        self._lead([here[name] for id in request.members if (name := names.get(id, "")) in here])
        return stack

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        network: Network = self._networks.outputs(request, observation)
        return replace(network, endpoint=self._network.endpoint)

    def _lead(self, members: Sequence[str]) -> None:
        wanted = NetworkRequest(NAME, "here", members=tuple(sorted(members)))
        seen = self._host.engine.observe(NAME, "here")
        outcome = self._host.engine.apply(self._local.stack(wanted), seen)
        assert not outcome.failures
        self._network = self._local.outputs(wanted, outcome.observation)

    def _networks_machines(self) -> Sequence[Machine]:
        return self._world.aws().machines().list_owned(NAME)


class HostedMachines:
    """Instances of the account, each of them booted on this host from the user data that the account has for it."""

    def __init__(self, world: AwsWorld, host: Site, place: Mapping[str, str] = MappingProxyType({})) -> None:
        self._world, self._host, self._machines, self._place = world, host, world.aws().machines(), place
        self.booted: dict[str, str] = {}

    @property
    def capabilities(self) -> MachineCapabilities:
        return replace(self._machines.capabilities, boots=True, listing_lag=0.0)

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        answers = self._machines.create(requests)
        for machine in answers.values():
            assert isinstance(machine, Machine)
            self._boot(machine)
        addresses = self._addresses()
        return {uid: _placed(machine, addresses) for uid, machine in answers.items() if isinstance(machine, Machine)}

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        addresses = self._addresses()
        return [_placed(machine, addresses) for machine in self._machines.list_owned(cluster)]

    def delete(self, machines: Sequence[Machine]) -> Failures:
        names = {machine.name for machine in machines}
        here = [machine for machine in self._host.machines.list_owned(NAME) if machine.name in names]
        self._host.machines.delete(here)
        return self._machines.delete(machines)

    def types(self) -> Sequence[MachineType]:
        return self._machines.types()

    def list_clusters(self) -> Sequence[str]:
        return self._machines.list_clusters()

    def _boot(self, machine: Machine) -> None:
        """By the instance's launch index, which the metadata service tells in the cloud."""
        ec2 = self._world.raw("ec2")
        raw = ec2.describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"][0]
        answer = ec2.describe_instance_attribute(InstanceId=machine.id, Attribute="userData")
        script = base64.b64decode(answer["UserData"]["Value"])
        self.booted[machine.name] = script.decode()
        index = f"#!/bin/sh\nexport CLOUDK8S_MACHINE_INDEX={raw['AmiLaunchIndex']}\n".encode()
        self._host.machines.create(
            [MachineRequest(machine.uid, machine.name, NAME, user_data=index + script, network=self._place)]
        )

    def _addresses(self) -> Mapping[str, Machine]:
        return {machine.name: machine for machine in self._host.machines.list_owned(NAME)}


def _placed(machine: Machine, here: Mapping[str, Machine]) -> Machine:
    found = here.get(machine.name)
    return replace(machine, addresses=found.addresses) if found is not None else machine


def test_user_data_of_aws_boots_here_and_nodes_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    events: list[Event] = []
    host = open_site(Plugins.load(), "local", {"directory": str(tmp_path / "machines")}, NAME)
    with AwsWorld() as world:
        world.reset()  # the emulator's memory is the process's
        networks, machines = HostedNetworks(world), HostedMachines(world, host)
        site = Site("aws", NAME, {}, machines, networks, Engine(networks.resource_types()), report=events.append)
        wanted = declaration(network={"zoneCount": 1}, pools=[{"replicas": 2, "labels": {"tier": "web"}}])
        try:
            converge(site, wanted, timeout=60)
            assert len(set(machines.booted.values())) == 2, "workers of one launch share their user data"
            api = ClusterApi(access_to(site, look(site)))
            nodes = {node["metadata"]["name"]: node for node in api.list(NODES)}
            api.close()
            assert nodes.keys() == machines.booted.keys()
            workers = [node for name, node in nodes.items() if "workers" in name]
            assert [node["metadata"]["labels"]["tier"] for node in workers] == ["web", "web"]
            assert all(node["spec"]["providerID"].startswith("aws:///") for node in workers)
            assert sum("the cloud confirms" in event.detail for event in events) == 2
        finally:
            tear_down(site, timeout=60)
        assert not world.left()
    assert not list(host.machines.list_owned(NAME))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_user_data_of_aws_makes_a_control_plane_of_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in each zone; the balancer is this host's, since the account's leads nowhere."""
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    host = open_site(Plugins.load(), "local", {"directory": str(tmp_path / "machines")}, NAME)
    with AwsWorld() as world:
        world.reset()  # the emulator's memory is the process's
        networks = HostedBalancer(world, host)
        machines = HostedMachines(world, host, networks.place)
        site = Site("aws", NAME, {}, machines, networks, Engine(networks.resource_types()))
        wanted = declaration(controlPlane={"replicas": 3}, network={"zoneCount": 3}, pools=[{"replicas": 1}])
        try:
            state = converge(site, wanted, timeout=150)
            assert state.recorded is not None
            assert state.recorded.control_plane.store == "etcd"
            api = ClusterApi(access_to(site, look(site)))
            assert {node["metadata"]["name"] for node in api.list(NODES)} == machines.booted.keys()
            found = api.list(CONFIG_MAPS, namespace="kube-system", fields="metadata.name=cloudk8s-etcd")
            assert found[0]["data"]["members.json"].count('"is_healthy":true') == 3
            api.close()
            assert max(map(len, machines.booted.values())) < 16384
        finally:
            tear_down(site, timeout=60)
            host.engine.apply(Stack(Owner(NAME, "here", NAME)), host.engine.observe(NAME, "here"))
        assert not world.left()
    assert not list(host.machines.list_owned(NAME))
