"""The `Instances` contract: the nodes that run on this host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.plugin import Instance, InstanceCapabilities, MatchRule, NodeAddress, NodeRef
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.records import NodeRecord
from cloudk8s_local.ids import REGION, SCHEME, provider_id


class LocalInstances:
    """Knows nodes by the names under which this host started them."""

    def __init__(self, host: Host, *, cluster: str, zone: str = "local-a") -> None:
        self._host, self._cluster, self._zone = host, cluster, zone

    @property
    def capabilities(self) -> InstanceCapabilities:
        return InstanceCapabilities()

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        known = self._host.records().nodes
        found = {node.name: self._find(node, known) for node in nodes}
        return {name: instance for name, instance in found.items() if instance is not None}

    def _find(self, node: NodeRef, known: Mapping[str, NodeRecord]) -> Instance | None:
        if node.provider_id:
            cluster, _, name = node.provider_id.removeprefix(f"{SCHEME}://").partition("/")
            if not node.provider_id.startswith(f"{SCHEME}://") or cluster != self._cluster:
                return None
            return self._instance(known[name], "provider-id") if name in known else Instance("gone")
        if record := known.get(node.name):
            return self._instance(record, "name")
        addresses = set(node.addresses_of("InternalIP"))
        matching = [record for record in known.values() if addresses & set(record.addresses)]
        return self._instance(matching[0], "address") if len(matching) == 1 else None

    def _instance(self, record: NodeRecord, matched_by: MatchRule) -> Instance:
        addresses = tuple(NodeAddress("InternalIP", address) for address in record.addresses)
        return Instance(
            "present" if record.is_running else "shutdown",
            provider_id(self._cluster, record.name),
            type="local",
            zone=self._zone,
            region=REGION,
            addresses=(*addresses, NodeAddress("Hostname", record.name)),
            matched_by=matched_by,
        )
