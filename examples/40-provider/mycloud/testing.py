"""Mycloud as the contract suite's world: the cloud's own side, and a count of every call."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cloudk8s.plugin import Instances, LoadBalancers, NodeAddress, NodeRef
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults

from mycloud.api import Api
from mycloud.instances import PREFIX, MycloudInstances
from mycloud.load_balancers import MycloudLoadBalancers


class CountedApi(Api):
    """Calls go through faults."""

    faults: Faults

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if not name.startswith(("list_", "put_", "delete_")):
            return value

        def call(*arguments: Any) -> Any:
            self.faults.before(name)
            answer = value(*arguments)
            self.faults.after(name)
            return answer

        return call


class MycloudWorld(World):
    """An account in memory."""

    provider = "mycloud"

    def __init__(self) -> None:
        super().__init__()
        self.api = CountedApi()
        self.api.faults = Faults()

    def instances(self) -> Instances:
        return MycloudInstances(self.api)

    def load_balancers(self) -> LoadBalancers:
        return MycloudLoadBalancers(self.api, cluster=self.cluster)

    def start_instance(self, name: str) -> NodeRef:
        id, address = f"server-{len(self.api.servers) + 1}", f"10.0.0.{len(self.api.servers) + 1}"
        self.api.servers[id] = {"name": name, "address": address, "state": "on", "type": "small"}
        return NodeRef(name, provider_id=PREFIX + id, addresses=(NodeAddress("InternalIP", address),))

    def stop_instance(self, node: NodeRef) -> None:
        self.api.servers[node.provider_id.removeprefix(PREFIX)]["state"] = "off"

    def terminate_instance(self, node: NodeRef) -> None:
        del self.api.servers[node.provider_id.removeprefix(PREFIX)]

    def mutations(self) -> int:
        return len(self.api.faults.mutations)

    def reads(self) -> int:
        return len(self.api.faults.reads)

    def left(self) -> Collection[str]:
        return [f"{key}:{port}" for key, balancer in self.api.balancers.items() for port in balancer["ports"]]

    def crash_after(self, call: int) -> None:
        self.api.faults.crash_after = len(self.api.faults.mutations) + call if call else 0
