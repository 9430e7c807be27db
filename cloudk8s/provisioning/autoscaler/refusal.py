"""Why no machine would help a pod, in the words of the scheduler's own counts."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.provisioning.autoscaler.offer import Offer
from cloudk8s.provisioning.autoscaler.suitability import MANY, Bools, reason_against
from cloudk8s.provisioning.autoscaler.volumes import ATTACHED


def refusal(demand: Demand, offers: Sequence[Offer], room: Bools) -> str:
    """Each kind of machine counts for the first thing that rules it out."""
    if not offers:
        return "no pool may grow"
    counts: dict[str, int] = {}
    for offer, has_room in zip(offers, room.tolist(), strict=True):
        reason = _reason(demand, offer, has_room=has_room)
        counts[reason] = counts.get(reason, 0) + 1
    parts = [f"{count} {reason}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return f"0/{len(offers)} kinds of machines help: {', '.join(parts)}"


def _reason(demand: Demand, offer: Offer, *, has_room: bool) -> str:
    if reason := reason_against(demand, "", offer):
        return reason
    short = [name for name, need in sorted(demand.requests.items()) if need > _amount(offer, name)]
    if short:
        return f"too small ({', '.join(short)})"
    if not has_room:
        return f"in pools at their maximum ({offer.pool})"
    return "didn't satisfy pod affinity, anti-affinity or spread"


def _amount(offer: Offer, resource: str) -> int:
    return offer.allocatable.get(resource, MANY if resource.startswith(ATTACHED) else 0)
