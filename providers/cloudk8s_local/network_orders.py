"""The `Networks` contract: a bridge for each cluster, and an address that leads to its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observation, Observed, ResourceType, Scope, Traits, Update
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack
from cloudk8s.plugin import Finding, MachineRequest, Network, NetworkCapabilities, NetworkRequest
from cloudk8s_local.account.account import Account
from cloudk8s_local.account.file import Things
from cloudk8s_local.account.thing import Thing
from cloudk8s_local.ids import ZONE, thing_id
from cloudk8s_local.machines.ranges import balancer_range

ROLES = ("control-plane", "worker")


class LocalNetworks:
    """The stack is pure; the engine does the rest."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def capabilities(self) -> NetworkCapabilities:
        has_endpoints = self._account.hosts.has_endpoints
        return NetworkCapabilities(
            api_load_balancer=has_endpoints, firewall=False, nat=False, api_schemes=False, zones=(ZONE,), options=()
        )

    def stack(self, request: NetworkRequest) -> Stack:
        inside = sorted({*request.pod_cidrs, *request.service_cidrs})
        network = {"cidr": request.cidr, "inside": inside, "record": dict(request.record)}
        resources = [Resource("network", "network", network)]
        if self._account.hosts.has_endpoints:
            endpoint = {"network": Ref("network"), "port": request.api_port, "targets": sorted(request.members)}
            resources.append(Resource("endpoint", "endpoint", endpoint))
        return Stack(Owner(request.cluster, request.uid, f"cluster {request.cluster}"), tuple(resources))

    def resource_types(self) -> Sequence[ResourceType]:
        return (
            OrderType(self._account, "network", Traits(immutable=frozenset({"cidr"}), unordered=frozenset({"inside"}))),
            OrderType(
                self._account, "endpoint", Traits(immutable=frozenset({"network"}), unordered=frozenset({"targets"}))
            ),
        )

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        network, endpoint = observation.get("network"), observation.get("endpoint")
        if network is None:
            return Network(request.cluster)
        place = {
            "network": network.id,
            "range": str(network.attribute("range")),
            "load_balancer_range": balancer_range(str(network.attribute("range"))),
            "directory": str(self._account.directory or ""),
            "load_balancer_state": self._account.balancer_state(network.id),
        }
        attachments = {f"{role}/{ZONE}": place for role in ROLES}
        where = f"{network.attribute('endpoint')}:{request.api_port}" if endpoint else ""
        is_ready = all(entry.state == "ready" for entry in observation.resources)
        return Network(request.cluster, where, attachments, is_ready, network.id)

    def records(self) -> Mapping[str, Mapping[str, str]]:
        return {thing.cluster: thing.properties["record"] for thing in self._account.list("network") if thing.owner}

    def preflight(self, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Sequence[Finding]:
        return [Finding("permission", text) for text in self._account.hosts.obstacles()]

    def network_calls(self, steps: Sequence[Step]) -> Sequence[str]:
        return [f"{'create' if step.action == 'replace' else step.action} {step.type}" for step in steps]

    def creation_calls(self, requests: Sequence[MachineRequest]) -> Sequence[str]:
        return ["create machines"]

    def deletion_calls(self, machines: int) -> Sequence[str]:
        return ["delete machines"]

    def resource_price(self, resource: Resource) -> float:
        return 0.0

    def machine_price(self, request: MachineRequest) -> float | None:
        return 0.0


@dataclass(frozen=True, slots=True)
class OrderType:
    """Networks or endpoints, as the engine sees them. One that the kernel has lost (a reboot) is not there."""

    account: Account
    name: str
    traits: Traits

    def list(self, scope: Scope) -> Sequence[Observed]:
        things = self.account.list(self.name, scope.cluster)  # type: ignore[arg-type]
        everything = self.account.everything()
        return [
            self._observed(thing, everything) for thing in things if thing.owner and self._is_there(thing, everything)
        ]

    def create(self, call: Create) -> Observed:
        owner = call.owner
        id = thing_id(self.name, self.account.directory, owner.cluster, owner.uid, call.key)
        thing = Thing(id, self.name, owner.cluster, owner.uid, call.key, call.properties, call.tags)  # type: ignore[arg-type]
        if id in self.account.everything():
            return self._observed(self.account.update(id, call.properties), self.account.everything())
        (made,) = self.account.create(thing.kind, [thing], self._completed)
        return self._observed(made, self.account.everything())

    def update(self, call: Update) -> Observed:
        changed = {name: call.properties[name] for name in call.changed}
        return self._observed(self.account.update(call.observed.id, changed), self.account.everything())

    def delete(self, observed: Observed) -> None:
        self.account.delete([observed.id])

    def _completed(self, things: Things, thing: Thing) -> Thing:
        if self.name != "network":
            return thing
        placed = new_network(
            self.account, things, thing.cluster, owner=thing.owner, key=thing.key, wanted=thing.properties["cidr"]
        )
        return replace(thing, properties={**thing.properties, "range": placed.properties["range"]})

    def _is_there(self, thing: Thing, things: Mapping[str, Thing]) -> bool:
        network = thing.id if self.name == "network" else thing.properties["network"]
        return network in things and self.account.hosts.has_network(self.account.network(things, network))

    def _observed(self, thing: Thing, things: Mapping[str, Thing]) -> Observed:
        properties = {name: value for name, value in thing.properties.items() if name != "range"}
        attributes: dict[str, Any] = {}
        if self.name == "network":
            spec = self.account.network(things, thing.id)
            attributes = {"range": spec.range, "endpoint": spec.endpoint}
        state = "ready" if thing.state == "ready" else "pending"
        return Observed(
            self.name, thing.key, thing.id, thing.owner, properties, attributes, state, tags=thing.tags  # type: ignore[arg-type]
        )  # fmt: skip


def new_network(
    account: Account, things: Mapping[str, Thing], cluster: str, *, owner: str, key: str, wanted: str
) -> Thing:
    """A network with a range that is free; the caller holds the account's lock."""
    taken = [thing.properties["range"] for thing in things.values() if thing.kind == "network"]
    properties = {
        "cidr": wanted, "inside": [], "record": {}, "range": account.hosts.new_range(taken, wanted),
    }  # fmt: skip
    id = thing_id("network", account.directory, cluster, owner, key)
    return Thing(id, "network", cluster, owner, key, properties)
