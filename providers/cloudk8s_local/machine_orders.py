"""The `Machines` contract: hosts within this host that boot by running their user data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cloudk8s.plugin import (
    CloudError,
    Failures,
    Machine,
    MachineCapabilities,
    MachineRequest,
    MachineType,
    NodeAddress,
    QuotaExceeded,
)
from cloudk8s_local.account.account import Account
from cloudk8s_local.account.file import Things
from cloudk8s_local.account.thing import Thing
from cloudk8s_local.ids import ZONE, provider_id, thing_id
from cloudk8s_local.machines.ranges import UNSAID, machine_addresses
from cloudk8s_local.network_orders import new_network

TYPE = "host"


class LocalMachines:
    """Every machine has what this host has: its processors, its memory, its files."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def capabilities(self) -> MachineCapabilities:
        return MachineCapabilities(
            user_data_bytes=1 << 20, root_volumes=False, images=False, types=(TYPE,), zones=(ZONE,), tokens=True
        )

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        things = self._account.list("machine", cluster)
        everything = self._account.everything()
        return [self._machine(thing, everything) for thing in things if thing.id in everything]

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        if not requests:
            return {}
        data = {self._id(request): request for request in requests}
        wanted = [self._thing(request) for request in data.values()]
        made = self._account.create(
            "machine", wanted, lambda things, thing: self._placed(things, thing, data[thing.id])
        )
        everything = self._account.everything()
        return {thing.owner: self._machine(thing, everything) for thing in made}

    def delete(self, machines: Sequence[Machine]) -> Failures:
        if machines:
            ids = [machine.id for machine in machines]
            self._account.delete([*ids, *self._unused_networks(ids)])
        return {}

    def types(self) -> Sequence[MachineType]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return (MachineType(TYPE, os.cpu_count() or 1, memory, os.uname().machine.replace("x86_64", "amd64"), (ZONE,)),)

    def list_clusters(self) -> Sequence[str]:
        found = {thing.cluster for kind in ("network", "machine") for thing in self._account.list(kind)}
        return sorted(found)

    def _id(self, request: MachineRequest) -> str:
        return thing_id("machine", self._account.directory, request.cluster, request.uid)

    def _thing(self, request: MachineRequest) -> Thing:
        if request.type not in ("", TYPE):
            types = f"the local provider has machines of type {TYPE!r} only, not {request.type!r}"
            raise CloudError(types)
        properties = {
            "name": request.name, "role": request.role, "pool": request.pool, "type": TYPE,
            "network": request.network.get("network", ""),
        }  # fmt: skip
        return Thing(
            self._id(request), "machine", request.cluster, request.uid, properties=properties, tags=dict(request.tags)
        )

    def _placed(self, things: Things, thing: Thing, request: MachineRequest) -> Thing:
        """The machine with an address, and its script where it will be run."""
        network = thing.properties["network"] or self._own_network(things, thing.cluster)
        range_ = things[network].properties["range"] if network in things else ""
        taken = {other.properties["address"] for other in things.values() if other.kind == "machine"}
        free = (address for address in machine_addresses(range_) if address not in taken) if range_ else iter(())
        address = next(free, "")
        if not address:
            raise QuotaExceeded(f"network {network} of cluster {thing.cluster} has no address left for {request.name}")
        if self._account.directory is not None:
            directory = self._account.directory / "machines" / thing.id
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            (directory / "user-data").write_bytes(request.user_data)
        return _with(thing, network=network, address=address)

    def _own_network(self, things: Things, cluster: str) -> str:
        """The cluster's network, or one made for machines that nobody gave any; it goes with the last of them."""
        known = next((other.id for other in things.values() if (other.kind, other.cluster) == ("network", cluster)), "")
        if known:
            return known
        thing = new_network(self._account, things, cluster, owner="", key="", wanted=UNSAID)
        things[thing.id] = replace(thing, state="ready")
        self._account.hosts.make_network(self._account.network(things, thing.id))
        return thing.id

    def _unused_networks(self, going: Sequence[str]) -> Sequence[str]:
        things = self._account.everything()
        used = {
            thing.properties["network"]
            for thing in things.values()
            if thing.kind == "machine" and thing.id not in going
        }
        clusters = {things[id].cluster for id in going if id in things}
        return [
            thing.id
            for thing in things.values()
            if thing.kind == "network" and not thing.owner and thing.cluster in clusters and thing.id not in used
        ]

    def _machine(self, thing: Thing, things: Mapping[str, Thing]) -> Machine:
        properties, account = thing.properties, self._account
        is_running = account.hosts.is_running(account.host(things, thing))
        return Machine(
            id=thing.id, uid=thing.owner, name=properties["name"], cluster=thing.cluster,
            state="deleting" if thing.state == "deleting" else "running" if is_running else "stopped",
            provider_id=provider_id(thing.cluster, properties["name"]), role=properties["role"],
            pool=properties["pool"], type=TYPE, zone=ZONE,
            addresses=(NodeAddress("InternalIP", properties["address"]), NodeAddress("Hostname", properties["name"])),
            created=datetime.fromtimestamp(thing.created, UTC), tags=thing.tags,
            reason="" if is_running else self._last_words(thing),
        )  # fmt: skip

    def _last_words(self, thing: Thing) -> str:
        if self._account.directory is None:
            return ""
        path = self._account.directory / "machines" / thing.id / "console.log"
        try:
            lines = path.read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return "it has not booted"
        return (
            f"its user data has ended: {lines[-1][:200]} (see {path})" if lines else f"its user data has ended ({path})"
        )


def _with(thing: Thing, **properties: str) -> Thing:
    return replace(thing, properties={**thing.properties, **properties})
