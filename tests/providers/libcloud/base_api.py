"""A load-balancer driver with libcloud's base API and nothing else, as the contract suite's world.

Each of its calls is one request of a cloud, so that crashes also fall between the requests of one operation.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from libcloud.loadbalancer.base import Driver, LoadBalancer, Member
from libcloud.loadbalancer.providers import DRIVERS, set_driver
from libcloud.loadbalancer.types import State

from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.plugin import LoadBalancers, NodeAddress, NodeRef
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults
from cloudk8s_libcloud.driver import Driver as ComputeDriver
from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
from cloudk8s_libcloud.load_balancers.contract import libcloud_load_balancers
from cloudk8s_libcloud.settings import BalancerSettings, LibcloudSettings

NAME = "base-api"


class BaseApiDriver(Driver):
    """Balancers in memory. Names may be taken twice, and nothing is remembered but what the base API tells."""

    def __init__(self, shelf: dict[str, Any], faults: Faults) -> None:
        self.shelf, self.faults = shelf, faults

    def list_balancers(self) -> Any:
        return self._request("list_balancers", lambda: list(self.shelf.values()))

    def create_balancer(self, name: str, port: int, protocol: str, algorithm: Any, members: list[Member]) -> Any:
        def create() -> Any:
            number = next(_numbers)
            made: Any = LoadBalancer(f"lb-{number}", name, State.RUNNING, f"192.0.2.{number % 250}", port, self)
            made.members = []
            self.shelf[made.id] = made
            return made

        made = self._request("create_balancer", create)
        for member in members:
            self.balancer_attach_member(made, member)
        return made

    def destroy_balancer(self, balancer: Any) -> bool:
        self._request("destroy_balancer", lambda: self.shelf.pop(balancer.id, None))
        return True

    def balancer_attach_member(self, balancer: Any, member: Member) -> Member:
        self._request("attach_member", lambda: self.shelf[balancer.id].members.append(member))
        return member

    def balancer_detach_member(self, balancer: Any, member: Member) -> bool:
        self._request("detach_member", lambda: self.shelf[balancer.id].members.remove(member))
        return True

    def balancer_list_members(self, balancer: Any) -> Any:
        return self._request("list_members", lambda: list(self.shelf[balancer.id].members))

    def _request(self, name: str, act: Any) -> Any:
        self.faults.before(name)
        answer = act()
        self.faults.after(name)
        return answer


_numbers = itertools.count(1)


class BaseApiWorld(World):
    """An account that has load balancers only."""

    provider = "libcloud"

    def __enter__(self) -> Self:
        self.shelf: dict[str, Any] = {}
        self.faults = Faults()
        set_driver(NAME, __name__, "BaseApiDriver")
        compute = LibcloudSettings(driver="dummy", key="0")
        options = {"shelf": self.shelf, "faults": self.faults}
        self.settings = compute.model_copy(update={"load_balancer": BalancerSettings(driver=NAME)})
        assert self.settings.load_balancer is not None
        self.settings.load_balancer.options = options
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DRIVERS.pop(NAME, None)

    def load_balancers(self) -> LoadBalancers:
        driver = BalancerDriver(self.settings.model_copy(update={"key": ""}), ComputeDriver(self.settings))
        retries = Retries(attempts=2, timer=VirtualTimer())
        return libcloud_load_balancers(driver, cluster=self.cluster, cloud="cloud", retries=retries)

    def start_instance(self, name: str) -> NodeRef:
        number = next(_numbers)
        addresses = (NodeAddress("InternalIP", f"10.0.{number // 250}.{number % 250}"),)
        return NodeRef(name, f"uid-{name}", f"libcloud://cloud/{number}", addresses)

    def mutations(self) -> int:
        return len(self.faults.mutations)

    def reads(self) -> int:
        return len(self.faults.reads)

    def left(self) -> Collection[str]:
        return list(self.shelf)

    def crash_after(self, call: int) -> None:
        self.faults.crash_after = len(self.faults.mutations) + call if call else 0

    def lose_answers(self, share: float) -> None:
        self.faults.lost = share

    def remove_part(self) -> str:
        return str(self.shelf.pop(next(iter(self.shelf))).name)
