"""`cloudk8s cluster explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Where, look_at, open_named
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format

if TYPE_CHECKING:
    from cloudk8s.provisioning.scaling import Outlook


def explain(
    name: Name, provider: Provider = "", offline: Offline = False, settings: Set = None,
    disable_plugin: DisabledPlugins = None, format: Output = Format.TABLE,
) -> None:  # fmt: skip
    """Say which machines pending pods need, which nodes nobody needs, and why; changes nothing.

    Pools with `max` may grow and shrink: `cloudk8s cluster autoscale` does what this says.

    Example: cloudk8s cluster explain demo
    """
    from cloudk8s.provisioning.access import access_to
    from cloudk8s.provisioning.nodes.api import ClusterApi
    from cloudk8s.provisioning.scaling import outlook

    site = open_named(name, Where.of(provider, offline, settings, disable_plugin))
    state, _ = look_at(site)
    api = ClusterApi(access_to(site, state))
    try:
        found = outlook(site, state, api)
    finally:
        api.close()
    if format is not Format.TABLE:
        output.show(as_data(found), format)
        return
    for line in found.lines():
        output.say(line)


def as_data(found: Outlook) -> dict[str, Any]:
    """The outlook for machines."""
    decision = found.decision
    machines = [{"pool": each.offer.pool, "type": each.offer.type, "zone": each.offer.zone, "pods": list(each.pods)}
                for each in decision.machines]  # fmt: skip
    return {
        "machines": machines,
        "fitting": [{"pod": pod, "node": node} for pod, node in decision.fitting],
        "refused": [{"pods": list(each.pods), "reason": each.reason} for each in decision.refused],
        "removable": [{"node": each.node, "pool": each.pool} for each in found.removals],
        "kept": [{"node": each.node, "reason": each.reason} for each in found.kept],
    }
