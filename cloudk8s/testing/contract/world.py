"""What the suite needs to know of a provider, and of the cloud behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

import pytest

from cloudk8s.cloud.interface import Instances, LoadBalancers, Machines, Networks, Routes, Volumes
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, ServiceKey, ServicePort
from cloudk8s.machinery.clock import FakeClock


class World:
    """A provider under test. Override what the provider offers; each method that makes a contract makes a fresh one,
    as a restarted process would.
    """

    provider = "mycloud"
    """Scheme of the provider's providerIDs."""
    cluster = "contract"
    carries_traffic = False
    """Addresses of instances and of load balancers are this host's, so that the suite can send real traffic."""

    def __init__(self) -> None:
        self.clock = FakeClock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""

    # What the provider offers

    def instances(self) -> Instances | None:
        return None

    def routes(self) -> Routes | None:
        return None

    def load_balancers(self) -> LoadBalancers | None:
        return None

    def machines(self) -> Machines | None:
        return None

    def networks(self) -> Networks | None:
        return None

    def volumes(self) -> Volumes | None:
        return None

    # The cloud's own side

    def start_instance(self, name: str) -> NodeRef:
        """Start an instance by other means than the provider's, as a node knows itself: providerID and addresses."""
        pytest.skip("this world can't start instances")

    def stop_instance(self, node: NodeRef) -> None:
        """Power an instance off."""
        pytest.skip("this world can't stop instances")

    def terminate_instance(self, node: NodeRef) -> None:
        """Remove an instance for good."""
        pytest.skip("this world can't terminate instances")

    def settle(self) -> None:
        """Let the cloud finish what it is working at."""

    def mutations(self) -> int:
        """How many calls that change something were made so far."""
        pytest.skip("this world does not count calls")

    def reads(self) -> int:
        """How many calls that only look were made so far."""
        pytest.skip("this world does not count calls")

    def left(self) -> Collection[str]:
        """Ids of everything that exists now and was not there at first, instances of `start_instance` aside."""
        pytest.skip("this world can't see what is left")

    def crash_after(self, call: int) -> None:
        """Raise `cloudk8s.testing.faults.Crash` once the n-th mutating call from now took effect; 0 heals."""
        pytest.skip("this world can't crash")

    def lose_answers(self, share: float) -> None:
        """Lose this share of the answers from now on; 0 heals."""
        pytest.skip("this world can't lose answers")

    def throttle(self, share: float) -> None:
        """Refuse this share of the calls as too fast from now on; 0 heals."""
        pytest.skip("this world can't throttle")

    def lag(self, seconds: float) -> None:
        """Hide what was made for so many seconds from listings; `settle` lets that time pass. 0 heals."""
        pytest.skip("this world's listings are never stale")

    def refuse_deletes(self, times: int) -> None:
        """Refuse the next deletions of parts, because something still uses them."""
        pytest.skip("this world can't refuse deletions")

    def remove_part(self) -> str:
        """Delete a part of a load balancer behind the provider's back; says which."""
        pytest.skip("this world can't damage load balancers")

    # What the suite asks for; override where a provider needs more

    def request(
        self, uid: str = "0f9e8d7c-6b5a-4c3d-9e1f-000000000001", *, name: str = "web",
        ports: Sequence[ServicePort] = (ServicePort(80, 30080, name="http"),), nodes: Sequence[NodeRef] = (),
        annotations: dict[str, str] | None = None,
    ) -> LoadBalancerRequest:  # fmt: skip
        """A plain request for a load balancer."""
        balancers = self.load_balancers()
        revision = balancers.capabilities.revision if balancers else ""
        return LoadBalancerRequest(
            ServiceKey(uid, "default", name), self.cluster, tuple(ports), dict(annotations or {}),
            nodes=tuple(sorted(nodes, key=lambda node: node.name)), revision=revision,
        )  # fmt: skip
