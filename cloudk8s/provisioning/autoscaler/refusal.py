"""Why no machine would help a pod, in the words of the scheduler's own counts."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.provisioning.autoscaler.demand import Demand
from cloudk8s.provisioning.autoscaler.offer import Offer
from cloudk8s.provisioning.autoscaler.suitability import Bools, Suitability


def refusal(demand: Demand, offers: Sequence[Offer], suits: Suitability, room: Bools) -> str:
    """Each kind of machine counts for the first thing that rules it out."""
    if not offers:
        return "no pool may grow"
    counts: dict[str, int] = {}
    selected, tolerated = suits.selected(demand), suits.tolerated(demand)
    for number, offer in enumerate(offers):
        reason = _reason(demand, offer, bool(selected[number]), bool(tolerated[number]), bool(room[number]))
        counts[reason] = counts.get(reason, 0) + 1
    parts = [f"{count} {reason}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return f"0/{len(offers)} kinds of machines help: {', '.join(parts)}"


def _reason(demand: Demand, offer: Offer, is_selected: bool, is_tolerated: bool, has_room: bool) -> str:
    if not is_selected:
        return "didn't match Pod's node affinity/selector"
    if not is_tolerated:
        return "had untolerated taint(s)"
    short = [name for name, need in sorted(demand.requests.items()) if need > offer.allocatable.get(name, 0)]
    if short:
        return f"too small ({', '.join(short)})"
    if not has_room:
        return f"in pools at their maximum ({offer.pool})"
    return "didn't satisfy pod affinity, anti-affinity or spread"
