"""Machines of the simulated cloud: instances that somebody ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s.plugin import (
    CloudError,
    Failures,
    Machine,
    MachineCapabilities,
    MachineRequest,
    MachineType,
    NodeAddress,
)
from cloudk8s_simulated.cloud.account import Account, InUse, Thing, stable_number
from cloudk8s_simulated.cloud.instances import provider_id

GIB = 1024**3
TYPES = (
    MachineType("small", 2, 4 * GIB, price_per_hour=0.02, spot_price_per_hour=0.007),
    MachineType("medium", 4, 16 * GIB, price_per_hour=0.08, spot_price_per_hour=0.027),
    MachineType("large", 16, 64 * GIB, price_per_hour=0.32, spot_price_per_hour=0.11),
)


class SimulatedMachines:
    """One API call makes or deletes any number of machines."""

    def __init__(self, account: Account, *, zones: Sequence[str]) -> None:
        self._account = account
        self._zones = tuple(zones)

    @property
    def capabilities(self) -> MachineCapabilities:
        return MachineCapabilities(spot=True, zones=self._zones, tokens=True, boots=False)

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        return [self._machine(thing) for thing in self._account.list("instance", {CLUSTER_TAG: cluster})]

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        wanted = [(self._properties(request), _tags(request), request.token) for request in requests]
        answers = self._account.create_many("instance", wanted) if wanted else []
        return {
            request.uid: self._machine(answer) if isinstance(answer, Thing) else answer
            for request, answer in zip(requests, answers, strict=True)
        }

    def delete(self, machines: Sequence[Machine]) -> Failures:
        try:
            self._account.delete(machine.id for machine in machines)
        except InUse as error:
            return {machine.id: error for machine in machines}
        return {}

    def types(self) -> Sequence[MachineType]:
        return TYPES

    def list_clusters(self) -> Sequence[str]:
        found = {
            thing.tags.get(CLUSTER_TAG, "") for kind in ("instance", "network") for thing in self._account.list(kind)
        }
        return sorted(found - {""})

    def _properties(self, request: MachineRequest) -> Mapping[str, object]:
        number = stable_number(request.uid, 256 * 250)
        return {
            "name": request.name,
            "type": request.type or TYPES[0].name,
            "zone": request.zone or self._zones[stable_number(request.uid, len(self._zones))],
            "role": request.role,
            "pool": request.pool,
            "addresses": [f"10.0.{number // 250}.{number % 250 + 4}"],
            "subnet": request.network.get("subnet", ""),
            "firewalls": [id for id in request.network.get("firewalls", "").split(",") if id],
            "user_data_bytes": len(request.user_data),
            "spot": request.spot,
            "image": request.image,
            "root_volume_gib": request.root_volume_gib,
        }

    def _machine(self, thing: Thing) -> Machine:
        properties = thing.properties
        ready = self._account.is_ready(thing)
        return Machine(
            id=thing.id, uid=thing.tags.get(OWNER_TAG, ""), name=properties["name"],
            cluster=thing.tags.get(CLUSTER_TAG, ""),
            state=("stopped" if properties.get("state") == "stopped" else "running") if ready else "pending",
            provider_id=provider_id(properties["zone"], thing.id), role=properties.get("role", "worker"),
            pool=properties.get("pool", ""), type=properties.get("type", ""), zone=properties["zone"],
            addresses=tuple(NodeAddress("InternalIP", address) for address in properties.get("addresses", ())),
            tags=thing.tags,
        )  # fmt: skip


def _tags(request: MachineRequest) -> Mapping[str, str]:
    return {**request.tags, CLUSTER_TAG: request.cluster, OWNER_TAG: request.uid}
