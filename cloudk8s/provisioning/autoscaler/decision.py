"""What was decided, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cloudk8s.provisioning.autoscaler.offer import Offer

HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A machine to be made, and the pods it is made for."""

    offer: Offer
    pods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Pods that no machine of any pool would help."""

    pods: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one look."""

    machines: tuple[PlannedMachine, ...] = ()
    fitting: tuple[tuple[str, str], ...] = ()
    """Pods, and the node that has room for them already: the scheduler will see to them."""
    refused: tuple[Refused, ...] = ()

    @property
    def by_pool(self) -> dict[str, int]:
        """How many machines each pool gets."""
        return dict(sorted(Counter(machine.offer.pool for machine in self.machines).items()))

    @property
    def price_per_month(self) -> float:
        """Dollars a month that the machines with a known price add."""
        return sum(machine.offer.price_per_hour for machine in self.machines) * HOURS_PER_MONTH

    def lines(self) -> list[str]:
        """For people: what is made for how many pods, what fits already, and what can't be helped."""
        said = []
        kinds = Counter((each.offer.pool, each.offer.type, each.offer.zone) for each in self.machines)
        pods = Counter[tuple[str, str, str]]()
        for each in self.machines:
            pods[each.offer.pool, each.offer.type, each.offer.zone] += len(each.pods)
        for kind, count in sorted(kinds.items()):
            pool, type_name, zone = kind
            where = f" in {zone}" if zone else ""
            said.append(f"pool {pool}: {count} × {type_name or 'default type'}{where} for {pods[kind]} pods")
        if self.price_per_month:
            said.append(f"together about ${self.price_per_month:,.2f} a month more")
        if self.fitting:
            said.append(f"{len(self.fitting)} pods fit on nodes that are there")
        said += [f"{len(each.pods)} pods ({each.pods[0]}, …): {each.reason}" for each in self.refused]
        return said or ["nothing to do: no pod waits for a machine"]
