"""The simulated cloud as the contract suite's world."""

from __future__ import annotations

from collections.abc import Collection

from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.plugin import Cloud, Instances, LoadBalancers, Machines, Networks, NodeAddress, NodeRef, Routes, Volumes
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults
from cloudk8s_simulated.cloud import assembly
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.cloud.instances import instance_id, provider_id
from cloudk8s_simulated.settings import SimulatedSettings

STARTED = {"started-by": "somebody else"}


class SimulatedWorld(World):
    """An account on a clock that stands still; `slow` kinds take that many seconds until they are ready."""

    provider = "simulated"

    def __init__(self, **slow: float) -> None:
        super().__init__()
        self.faults = Faults(mutates=lambda call: call.startswith(("create", "update", "delete")))
        self._skew = 0.0
        self.account = Account(now=self._now, faults=self.faults, ready_after=slow)
        self._mutations_before = 0

    def instances(self) -> Instances:
        return assembly.instances(self._cloud())

    def routes(self) -> Routes:
        return assembly.routes(self._cloud())

    def load_balancers(self) -> LoadBalancers:
        return assembly.load_balancers(self._cloud(), timer=VirtualTimer())

    def machines(self) -> Machines:
        return assembly.machines(self._cloud())

    def networks(self) -> Networks:
        return assembly.networks(self._cloud())

    def volumes(self) -> Volumes:
        return assembly.volumes(self._cloud())

    def start_instance(self, name: str) -> NodeRef:
        number = len(self.account.everything()) + 10
        addresses = [f"10.0.1.{number}"]
        properties = {"name": name, "type": "small", "zone": "sim-1a", "addresses": addresses}
        thing = self.account.create("instance", properties, STARTED)
        internal = (NodeAddress("InternalIP", addresses[0]),)
        return NodeRef(name, f"uid-{name}", provider_id("sim-1a", thing.id), internal)

    def stop_instance(self, node: NodeRef) -> None:
        self.account.update(instance_id(node.provider_id), {"state": "stopped"})

    def terminate_instance(self, node: NodeRef) -> None:
        self.account.delete([instance_id(node.provider_id)])

    def settle(self) -> None:
        self._skew += 60

    def mutations(self) -> int:
        return len(self.faults.mutations)

    def reads(self) -> int:
        return len(self.faults.reads)

    def left(self) -> Collection[str]:
        return [thing.id for thing in self.account.everything() if thing.tags != STARTED]

    def crash_after(self, call: int) -> None:
        self.faults.crash_after = len(self.faults.mutations) + call if call else 0

    def lose_answers(self, share: float) -> None:
        self.faults.lost = share

    def throttle(self, share: float) -> None:
        self.faults.throttled = share

    def lag(self, seconds: float) -> None:
        self.account.lag = seconds

    def refuse_deletes(self, times: int) -> None:
        self.faults.refused_deletes = times

    def remove_part(self) -> str:
        listener = self.account.list("listener")[0]
        self.account.delete([listener.id])
        return listener.id

    def _cloud(self) -> Cloud[SimulatedSettings]:
        return Cloud("sim", "simulated", SimulatedSettings().use(self.account), self.cluster, self.clock)

    def _now(self) -> float:
        return self.clock.monotonic() + self._skew
