"""Servers as instances of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.plugin import Instance, InstanceCapabilities, MatchRule, NodeAddress, NodeRef

from mycloud.api import Api

PREFIX = "mycloud://"


class MycloudInstances:
    """One listing answers for any number of nodes."""

    capabilities = InstanceCapabilities()

    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        servers = self._api.list_servers() if nodes else []
        by_id = {PREFIX + server["id"]: server for server in servers}
        by_name = {server["name"]: server for server in servers}
        found: dict[str, Instance] = {}
        for node in nodes:
            if node.provider_id.startswith(PREFIX):
                found[node.name] = self._instance(by_id.get(node.provider_id), "provider-id")
            elif not node.provider_id and node.name in by_name:
                found[node.name] = self._instance(by_name[node.name], "name")
        return found

    def _instance(self, server: Mapping[str, str] | None, matched_by: MatchRule) -> Instance:
        if server is None:
            return Instance("gone", matched_by=matched_by)
        state, address = server["state"], NodeAddress("InternalIP", server["address"])
        return Instance(
            "present" if state == "on" else "shutdown",
            PREFIX + server["id"],
            server["type"],
            region=self._api.region,
            addresses=(address,),
            matched_by=matched_by,
        )
