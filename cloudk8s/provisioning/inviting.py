"""How machines learn whom to join: their user data, and what the cluster has to know of them before they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CONFIG_MAPS, SECRETS
from cloudk8s.cloud.model.machine import NAMES, Machine, MachineRequest
from cloudk8s.cloud.model.names import pack
from cloudk8s.cloud.model.network import Network
from cloudk8s.controllers.bootstrap_signer import IN_NAMESPACE
from cloudk8s.controlplane.machine.discovery import CONFIGURATION, configuration_name
from cloudk8s.controlplane.machine.seed import machine_token
from cloudk8s.machinery.codec import encode_sorted
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod, Facts
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.tokens import MachineToken, secret_of
from cloudk8s.provisioning.site import Site


@dataclass(slots=True)
class Inviting:
    """One command's invitations to one cluster."""

    site: Site
    declaration: ClusterDeclaration
    method: BootstrapMethod
    _configured: set[str] = field(default_factory=set)

    @property
    def is_shared(self) -> bool:
        """Machines that are made together have one user data."""
        return self.site.machines.capabilities.shares_user_data and self.method.shares_user_data

    def endpoint(self, network: Network, machines: Iterable[MachineView]) -> str:
        """Where the API answers: as the network says, else at the first machine of the control plane."""
        if network.endpoint:
            return network.endpoint
        port = self.declaration.network.api.port
        found = [address for view in in_group(machines, CONTROL_PLANE) if (address := _address(view.machine))]
        return f"{found[0]}:{port}" if found else ""

    def user_data(self, requests: Sequence[MachineRequest], network: Network, machines: Iterable[MachineView]) -> list[
        MachineRequest
    ]:  # fmt: skip
        """The requests with what the machines boot from."""
        if not requests:
            return []
        predecessor = self._predecessor(machines)
        first = "" if in_group(machines, CONTROL_PLANE) else requests[0].uid
        return [
            self._with_user_data(
                request,
                replace(self._facts(network, machines, request, predecessor), is_first=request.uid == first),
            )
            for request in requests
        ]

    def is_invited(self, role: str) -> bool:
        """Machines of this role come with a token of their own."""
        return role == "worker" or self.method.grows

    def invite(
        self, api: ClusterApi, requests: Sequence[MachineRequest], network: Network, machines: Iterable[MachineView]
    ) -> None:
        """Let these join once they are there."""
        for request in requests:
            if self.is_invited(request.role):
                self._invite(api, request, self._facts(network, machines, request, ""))

    def _facts(
        self, network: Network, machines: Iterable[MachineView], request: MachineRequest, predecessor: str
    ) -> Facts:
        return Facts(
            self.declaration, self.site.seeds.ensure(), self.endpoint(network, machines), predecessor, request.network,
            self.is_shared,
        )  # fmt: skip

    def _predecessor(self, machines: Iterable[MachineView]) -> str:
        """The machine whose place a new one of the control plane takes."""
        if not self.declaration.hands_over:
            return ""
        running = [view.machine for view in in_group(machines, CONTROL_PLANE) if view.machine.state == "running"]
        return _address(running[0]) if running else ""

    def _with_user_data(self, request: MachineRequest, facts: Facts) -> MachineRequest:
        if request.role == "control-plane":
            return replace(request, user_data=self.method.control_plane(facts, request))
        data = self.method.worker(facts, request)
        if not facts.is_shared:
            data = data.replace(NAMES, pack([request.name]).encode())
        return replace(request, user_data=data)

    def _invite(self, api: ClusterApi, request: MachineRequest, facts: Facts) -> None:
        if request.pool not in self._configured:
            configuration = self.method.configuration(facts, request.pool)
            if configuration is not None:
                api.apply(CONFIG_MAPS, _configuration_map(request.pool, configuration))
            self._configured.add(request.pool)
        secret = self.method.join_secret(facts, request)
        if secret:
            token = MachineToken(request.name, machine_token(secret, request.name))
            api.apply(SECRETS, secret_of(token, self.site.clock.now()))


def _configuration_map(group: str, configuration: Mapping[str, Any]) -> Object:
    metadata = {"name": configuration_name(group), "namespace": IN_NAMESPACE}
    data = {CONFIGURATION: encode_sorted(dict(configuration)).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _address(machine: Machine) -> str:
    addresses = {entry.type: entry.address for entry in reversed(machine.addresses)}
    return addresses.get("InternalIP") or addresses.get("ExternalIP") or ""
