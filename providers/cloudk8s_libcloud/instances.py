"""The `Instances` contract on any compute driver: one listing for any number of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.plugin import Instance, InstanceCapabilities, MatchRule, NodeRef
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.nodes import addresses_of, extra_of, id_of, lasting_id, provider_id, state_of, type_of

DOUBT = "the driver listed no node at all, so nothing is known"


class LibcloudInstances:
    """An empty listing is doubt: drivers answer so when they do not understand the cloud."""

    def __init__(self, driver: Driver, *, cloud: str) -> None:
        self._driver = driver
        self._cloud = cloud

    @property
    def capabilities(self) -> InstanceCapabilities:
        return InstanceCapabilities()

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        ours = [node for node in nodes if not node.provider_id or id_of(node.provider_id, self._cloud)]
        if not ours:
            return {}
        listed = self._driver.nodes()
        by_id = {lasting_id(entry, self._driver.traits): entry for entry in listed}
        living = [entry for entry in listed if state_of(entry, self._driver.traits) != "gone"]
        found: dict[str, Instance] = {}
        for node in ours:
            if id := id_of(node.provider_id, self._cloud):
                found[node.name] = self._by_id(by_id.get(id), anything=bool(listed))
            elif (match := _match(node, living)) is not None:
                found[node.name] = self._instance(*match)
        return found

    def _by_id(self, entry: Any, *, anything: bool) -> Instance:
        if entry is not None:
            return self._instance(entry, "provider-id")
        return Instance("gone", matched_by="provider-id") if anything else Instance("unknown", reason=DOUBT)

    def _instance(self, entry: Any, matched_by: MatchRule) -> Instance:
        traits = self._driver.traits
        state = state_of(entry, traits)
        if state == "gone":
            return Instance("gone", matched_by=matched_by)
        return Instance(
            state, provider_id(self._cloud, lasting_id(entry, traits)), type_of(entry, traits),
            extra_of(entry, traits.zone_in_extra), "", addresses_of(entry), matched_by=matched_by,
            reason="the driver does not know the state" if state == "unknown" else "",
        )  # fmt: skip


def _match(node: NodeRef, living: Sequence[Any]) -> tuple[Any, MatchRule] | None:
    """By name, then by address; only where exactly one fits."""
    named = [entry for entry in living if entry.name == node.name]
    if len(named) == 1:
        return named[0], "name"
    wanted = set(node.addresses_of("InternalIP", "ExternalIP"))
    reached = [entry for entry in living if wanted & {*(entry.private_ips or ()), *(entry.public_ips or ())}]
    return (reached[0], "address") if len(reached) == 1 else None
