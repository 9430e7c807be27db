"""Networks of the simulated cloud: a network, a subnet in each zone, two firewalls, and a balancer for the API."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from cloudk8s.cloud.stack.interface import Observation, ResourceType, Traits
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, Owner, Ref, Resource, Stack
from cloudk8s.plugin import MachineRequest, Network, NetworkCapabilities, NetworkRequest
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.cloud.load_balancers import resource_types
from cloudk8s_simulated.cloud.machines import TYPES
from cloudk8s_simulated.cloud.resource_type import AccountType

ROLES = ("control-plane", "worker")


class SimulatedNetworks:
    """The stack is pure; the engine does the rest."""

    def __init__(self, account: Account, *, zones: Sequence[str]) -> None:
        self._account = account
        self._zones = tuple(zones)

    @property
    def capabilities(self) -> NetworkCapabilities:
        return NetworkCapabilities(zones=self._zones, options=())

    def stack(self, request: NetworkRequest) -> Stack:
        zones = request.zones or self._zones
        blocks = ipaddress.ip_network(request.cidr).subnets(new_prefix=ipaddress.ip_network(request.cidr).prefixlen + 3)
        network = {"cluster": request.cluster, "cidr": request.cidr, "record": dict(request.record)}
        resources = [Resource("network", "network", network)]
        for zone, block in zip(zones, blocks, strict=False):
            resources.append(
                Resource("subnet", f"subnet/{zone}", {"network": Ref("network"), "zone": zone, "cidr": str(block)})
            )
        for role in ROLES:
            name = f"{request.cluster}-{role}"
            rules = _rules(request, role)
            firewall = {"network": Ref("network"), "name": name, "rules": rules}
            resources.append(Resource("firewall", f"firewall/{role}", firewall))
        resources += _endpoint(request, [f"subnet/{zone}" for zone in zones])
        return Stack(Owner(request.cluster, request.uid, f"cluster {request.cluster}"), tuple(resources))

    def records(self) -> Mapping[str, Mapping[str, str]]:
        networks = self._account.list("network")
        return {thing.tags.get(CLUSTER_TAG, ""): thing.properties.get("record", {}) for thing in networks}

    def resource_types(self) -> Sequence[ResourceType]:
        return (
            AccountType(self._account, "network", Traits(immutable=frozenset({"cidr"}))),
            AccountType(self._account, "subnet", Traits(immutable=frozenset({"network", "zone", "cidr"}))),
            AccountType(self._account, "firewall", Traits(immutable=frozenset({"network"}))),
            *(kind for kind in resource_types(self._account) if kind.name != "mark"),
        )

    def network_calls(self, steps: Sequence[Step]) -> Sequence[str]:
        return [f"{'create' if step.action == 'replace' else step.action} {step.type}" for step in steps]

    def creation_calls(self, requests: Sequence[MachineRequest]) -> Sequence[str]:
        return ["create instance"]

    def deletion_calls(self, machines: int) -> Sequence[str]:
        return ["delete instance"]

    def resource_price(self, resource: Resource) -> float:
        return {"balancer": 0.02}.get(resource.type, 0.0)

    def machine_price(self, request: MachineRequest) -> float | None:
        price = next((entry.price_per_hour for entry in TYPES if entry.name == (request.type or TYPES[0].name)), None)
        return price if not request.spot else None

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        balancer = observation.get("balancer")
        attachments = {}
        for entry in observation.resources:
            for role in ROLES if entry.type == "subnet" else ():
                firewall = observation.get(f"firewall/{role}")
                attachments[f"{role}/{entry.properties['zone']}"] = {
                    "subnet": entry.id,
                    "firewalls": firewall.id if firewall else "",
                }
        ready = balancer is not None and all(entry.state == "ready" for entry in observation.resources)
        endpoint = f"{balancer.attribute('ip')}:{request.api_port}" if balancer is not None else ""
        network = observation.get("network")
        return Network(request.cluster, endpoint, attachments, ready, network.id if network else "")


def _rules(request: NetworkRequest, role: str) -> list[str]:
    rules = [f"tcp 10250 from {request.cidr}", f"tcp 22 from {','.join(request.ssh_source_ranges) or 'nowhere'}"]
    if role == "control-plane":
        return [
            f"tcp {request.api_port} from {','.join(request.api_source_ranges)}",
            f"tcp 2379-2380 from {role}",
            *rules,
        ]
    return [f"tcp,udp 30000-32767 from {','.join(request.node_port_source_ranges) or request.cidr}", *rules]


def _endpoint(request: NetworkRequest, subnets: Sequence[str]) -> list[Resource]:
    name = f"{request.cluster}-api"
    group = {"name": name, "protocol": "TCP", "port": request.api_port}
    listener = {
        "balancer": Ref("balancer"), "protocol": "TCP", "port": request.api_port, "groups": [Ref("group/api")],
    }  # fmt: skip
    properties = {"name": name, "scheme": request.api_scheme, "subnets": [Ref(key) for key in subnets]}
    return [
        Resource("balancer", "balancer", properties),
        Resource("group", "group/api", group),
        Resource("members", "members/api", {"group": Ref("group/api"), "targets": sorted(request.members)}),
        Resource("listener", "listener/api", listener),
    ]
