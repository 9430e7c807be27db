"""Instances of the simulated cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.plugin import Instance, InstanceCapabilities, MatchRule, NodeAddress, NodeRef
from cloudk8s_simulated.cloud.account import Account, Thing, stable_number

SCHEME = "simulated"


class SimulatedInstances:
    """Instances of one region. With `any_node`, nodes that the account has no record of are present."""

    def __init__(self, account: Account, *, region: str, zones: Sequence[str], any_node: bool = False) -> None:
        self._account = account
        self._region = region
        self._zones = tuple(zones)
        self._any_node = any_node

    @property
    def capabilities(self) -> InstanceCapabilities:
        return InstanceCapabilities()

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        things = self._account.list("instance")
        by_id = {thing.id: thing for thing in things}
        by_name = {str(thing.properties.get("name", "")): thing for thing in things}
        by_address = {address: thing for thing in things for address in thing.properties.get("addresses", ())}
        missing = [instance_id(node.provider_id) for node in nodes if instance_id(node.provider_id) not in by_id]
        confirmed = self._account.get(missing) if any(missing) else {}
        found = {}
        for node in nodes:
            if (instance := self._find(node, by_id, by_name, by_address, confirmed)) is not None:
                found[node.name] = instance
        return found

    def _find(
        self, node: NodeRef, by_id: Mapping[str, Thing], by_name: Mapping[str, Thing],
        by_address: Mapping[str, Thing], confirmed: Mapping[str, Thing],
    ) -> Instance | None:  # fmt: skip
        if id := instance_id(node.provider_id):
            if thing := by_id.get(id) or confirmed.get(id):
                return self._instance(thing, "provider-id")
            return self._invented(node) if self._any_node else Instance("gone", matched_by="provider-id")
        if thing := by_name.get(node.name):
            return self._instance(thing, "name")
        for address in node.addresses_of("InternalIP", "ExternalIP"):
            if thing := by_address.get(address):
                return self._instance(thing, "address")
        return self._invented(node) if self._any_node else None

    def _instance(self, thing: Thing, matched_by: MatchRule) -> Instance:
        properties = thing.properties
        zone = str(properties.get("zone", self._zones[0]))
        stopped = properties.get("state") == "stopped"
        addresses = tuple(NodeAddress("InternalIP", address) for address in properties.get("addresses", ()))
        hostname = (NodeAddress("Hostname", str(properties["name"])),) if properties.get("name") else ()
        return Instance(
            "shutdown" if stopped else "present", provider_id(zone, thing.id), str(properties.get("type", "")), zone,
            self._region, addresses + hostname, dict(properties.get("labels", {})), matched_by,
        )  # fmt: skip

    def _invented(self, node: NodeRef) -> Instance:
        """What a node that nobody ordered would run on; the same every time."""
        zone = self._zones[stable_number(node.name, len(self._zones))]
        known = node.provider_id or provider_id(zone, f"node-{node.name}")
        return Instance("present", known, "simulated", zone, self._region, node.addresses, matched_by="name")


def provider_id(zone: str, id: str) -> str:
    """`simulated:///<zone>/<id>`."""
    return f"{SCHEME}:///{zone}/{id}"


def instance_id(text: str) -> str:
    """The instance's id in a providerID; empty where it is none of ours."""
    scheme, _, rest = text.partition("://")
    return rest.rpartition("/")[2] if scheme == SCHEME else ""
