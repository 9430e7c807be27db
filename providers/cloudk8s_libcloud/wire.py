"""What a real cloud's wire does and an emulator's does not, for tests: faults on every single request of a driver.

Libcloud's calls are often several requests; a crash may come between any two of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.testing.faults import Faults


@dataclass(slots=True)
class Wire:
    """Query APIs, whose requests name their action: EC2 and ELB."""

    faults: Faults = field(default_factory=lambda: Faults(mutates=lambda call: not call.startswith("Describe")))
    timer: VirtualTimer = field(default_factory=VirtualTimer)
    lag: float = 0.0
    """How many seconds new load balancers are missing from listings."""
    _answers: dict[str, Any] = field(default_factory=dict)
    _born: dict[str, float] = field(default_factory=dict)

    def prepare(self, driver: Any) -> None:
        """Put this between a driver and its connection."""
        send = driver.connection.request

        def request(action: str, params: Mapping[str, Any] | None = None, **more: Any) -> Any:
            name = str((params or {}).get("Action", action))
            self.faults.before(name)
            answer = self._known(name, params or {}) or send(action, params=params, **more)
            self._note(name, params or {}, answer)
            self.faults.after(name)
            return answer

        driver.connection.request = request

    def _known(self, name: str, params: Mapping[str, Any]) -> Any:
        """EC2 answers the same token with the same instance; emulators start another one."""
        return self._answers.get(str(params.get("ClientToken"))) if name == "RunInstances" else None

    def _note(self, name: str, params: Mapping[str, Any], answer: Any) -> None:
        if name == "RunInstances" and params.get("ClientToken"):
            self._answers[str(params["ClientToken"])] = answer
        elif name == "CreateLoadBalancer":
            self._born.setdefault(str(params["LoadBalancerName"]), self.timer.monotonic())
        elif name == "DescribeLoadBalancers" and self.lag:
            self._hide(answer.object)

    def _hide(self, tree: Any) -> None:
        """Take out what is too new to be listed."""
        from libcloud.loadbalancer.drivers.elb import NS

        now = self.timer.monotonic()
        for listing in tree.iter(f"{{{NS}}}LoadBalancerDescriptions"):
            for entry in list(listing):
                born = self._born.get(str(entry.findtext(f"{{{NS}}}LoadBalancerName")))
                if born is not None and now - born < self.lag:
                    listing.remove(entry)
