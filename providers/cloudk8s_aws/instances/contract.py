"""The `Instances` contract on EC2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cloudk8s.plugin import Instance, InstanceCapabilities, MatchRule, NodeRef
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.addresses import node_addresses
from cloudk8s_aws.instances.inventory import InstanceData, Inventory, state_of
from cloudk8s_aws.instances.topology import Topology
from cloudk8s_aws.instances.zones import Zones
from cloudk8s_aws.ownership import cluster_tag

GONE = ("terminated", "")
ZONE_ID = "topology.k8s.aws/zone-id"


class AwsInstances:
    """Nodes with an id cost one call for 200 of them; nodes without are looked up by name, tag and address."""

    def __init__(
        self, inventory: Inventory, zones: Zones, *, region: str, cluster: str, families: Sequence[str],
        topology: Topology | None = None,
    ) -> None:  # fmt: skip
        self._inventory = inventory
        self._zones = zones
        self._region = region
        self._cluster_tag = cluster_tag(cluster)
        self._families = tuple(families)
        self._topology = topology

    @property
    def capabilities(self) -> InstanceCapabilities:
        return InstanceCapabilities()

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        found: dict[str, Instance] = {}
        by_id: dict[str, NodeRef] = {}
        unnamed: list[NodeRef] = []
        for node in nodes:
            known = provider_id.parse(node.provider_id) if node.provider_id else None
            if known is not None and known.instance:
                if known.region in ("", self._region):
                    by_id[node.name] = node
            elif known is None and not node.provider_id:
                unnamed.append(node)
        ids = {name: provider_id.parse(node.provider_id) for name, node in by_id.items()}
        listed = self._inventory.find([known.instance for known in ids.values() if known])
        for name, known in ids.items():
            if known is not None:
                found[name] = self._instance(listed.get(known.instance), "provider-id")
        return self._placed(found | self._by_name(unnamed))

    def _placed(self, found: Mapping[str, Instance]) -> Mapping[str, Instance]:
        """With their place in the network, where they are of a kind that has one."""
        ids = {name: provider_id.parse(entry.provider_id) for name, entry in found.items() if entry.provider_id}
        types = {known.instance: found[name].type for name, known in ids.items() if known is not None}
        places = self._topology.labels(types) if self._topology is not None else {}
        if not places:
            return found
        labels = {name: places[known.instance] for name, known in ids.items() if known and known.instance in places}
        return {
            name: replace(entry, labels={**entry.labels, **labels[name]}) if name in labels else entry
            for name, entry in found.items()
        }

    def _by_name(self, nodes: Sequence[NodeRef]) -> dict[str, Instance]:
        if not nodes:
            return {}
        found: dict[str, Instance] = {}
        ids = {node.name: id for node in nodes if (id := provider_id.instance_of_name(node.name))}
        listed = self._inventory.find(ids.values())
        for name, id in ids.items():
            if id in listed:
                found[name] = self._instance(listed[id], "instance-id")
        rest = [node for node in nodes if node.name not in found]
        named = self._inventory.by_names([node.name for node in rest], self._cluster_tag) if rest else {}
        for name, data in named.items():
            rule: MatchRule = "name" if data.get("PrivateDnsName") == name else "tag"
            found[name] = self._instance(data, rule)
        return found | self._by_address([node for node in rest if node.name not in found])

    def _by_address(self, nodes: Sequence[NodeRef]) -> dict[str, Instance]:
        wanted = {node.name: node.addresses_of("InternalIP") for node in nodes}
        if not any(wanted.values()):
            return {}
        living = [data for data in self._inventory.everything().values() if state_of(data) not in GONE]
        by_address = {
            entry["PrivateIpAddress"]: data
            for data in living
            for card in data.get("NetworkInterfaces") or ()
            for entry in card.get("PrivateIpAddresses") or ()
        }
        matches = {name: [by_address[a] for a in addresses if a in by_address] for name, addresses in wanted.items()}
        return {name: self._instance(data[0], "address") for name, data in matches.items() if data}

    def _instance(self, data: InstanceData | None, matched_by: MatchRule) -> Instance:
        if data is None or state_of(data) in GONE:
            return Instance("gone", matched_by=matched_by)
        zone = str((data.get("Placement") or {}).get("AvailabilityZone", ""))
        zone_id = self._zones.id_of(zone)
        return Instance(
            "shutdown" if state_of(data) == "stopped" else "present",
            provider_id.make(zone, data["InstanceId"]), data.get("InstanceType", ""), zone, self._region,
            node_addresses(data, self._families), {ZONE_ID: zone_id} if zone_id else {}, matched_by,
        )  # fmt: skip
