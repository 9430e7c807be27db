"""A network request as a stack of AWS resources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack
from cloudk8s.plugin import ExistingNetwork, NetworkRequest, SettingsError
from cloudk8s_aws.cluster.balancing import api_name
from cloudk8s_aws.cluster.dns_record import PLACE_TAG, place_of
from cloudk8s_aws.cluster.firewall import CONTROL_PLANE, GROUPS, LOAD_BALANCER, NODE, rules_of
from cloudk8s_aws.cluster.layout import ZoneLayout, divide, iam_name, iam_path
from cloudk8s_aws.cluster.policies import policy_of
from cloudk8s_aws.cluster.shared_tag import USES_TAG
from cloudk8s_aws.interruptions.reading import interruptions_name
from cloudk8s_aws.interruptions.types import FILLING, MARK, PATTERN, QUEUE, RETENTION, RULE
from cloudk8s_aws.ownership import cluster_tag

ROLES = ("control-plane", "worker")
ELB, INTERNAL_ELB = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"


def build(request: NetworkRequest, region: str) -> Stack:
    """Everything around the machines of a cluster."""
    if not request.zones:
        raise SettingsError(f"cluster {request.cluster}: no zone of {region} can be used")
    existing = request.existing
    surroundings = _shared(request, existing) if existing is not None else _own_network(request, region)
    around = (*_identities(request, region), *surroundings, *_firewalls(request))
    resources = (*around, *_interruptions(request), *_endpoint(request))
    return Stack(Owner(request.cluster, request.uid, f"cluster {request.cluster}"), resources)


def machine_subnet(request: NetworkRequest, zone: str, observation: Observation) -> str:
    """Id of the subnet that machines of a zone are put into; empty while it is not there."""
    if request.existing is not None:
        return request.existing.machines.get(zone, "")
    found = observation.get(f"subnet/{'public' if request.nat == 'none' else 'private'}/{zone}")
    return found.id if found is not None else ""


def _own_network(request: NetworkRequest, region: str) -> Iterator[Resource]:
    layout = divide(request.cidr, request.zones)
    yield from _vpc(request)
    yield from _subnets(request, layout)
    yield from _ways_out(request, layout)
    yield _storage(request, layout, region)


def _shared(request: NetworkRequest, existing: ExistingNetwork) -> Iterator[Resource]:
    """Tags by which the cluster's own controllers know what they may use."""
    ids = sorted({existing.id, *existing.machines.values(), *existing.balancers.values(), *existing.route_tables})
    yield Resource("shared-tag", "shared-tag", {"resources": ids}, after=(f"security-group/{CONTROL_PLANE}",))


def _network_of(request: NetworkRequest) -> Ref | str:
    return request.existing.id if request.existing is not None else Ref("vpc")


def _tags(request: NetworkRequest, **more: str) -> dict[str, str]:
    return {**request.tags, cluster_tag(request.cluster): "owned", **more}


def _identities(request: NetworkRequest, region: str) -> Iterator[Resource]:
    path = iam_path(region, request.cluster)
    for role in ROLES:
        name = iam_name(region, request.cluster, role)
        properties = {"name": name, "path": path, "tags": _tags(request)}
        yield Resource("role", f"role/{role}", properties)
        document = policy_of(role, self_managed=request.self_managed)
        yield Resource("role-policy", f"role-policy/{role}", {"role": Ref(f"role/{role}"), "document": document})
        yield Resource("instance-profile", f"instance-profile/{role}", properties, after=(f"role/{role}",))
        given = {"profile": Ref(f"instance-profile/{role}"), "role": Ref(f"role/{role}")}
        yield Resource("profile-role", f"profile-role/{role}", given)


def _vpc(request: NetworkRequest) -> Iterator[Resource]:
    properties = {"cidr": request.cidr, "record": dict(request.record), "tags": _tags(request)}
    yield Resource("vpc", "vpc", properties)
    yield Resource("vpc-dns", "vpc-dns", {"vpc": Ref("vpc")})
    yield Resource("default-group", "default-group", {"vpc": Ref("vpc"), "ingress": [], "egress": []})
    yield Resource("internet-gateway", "internet-gateway", {"tags": _tags(request)})
    attachment = {"gateway": Ref("internet-gateway"), "vpc": Ref("vpc")}
    yield Resource("gateway-attachment", "gateway-attachment", attachment)


def _subnets(request: NetworkRequest, layout: Sequence[ZoneLayout]) -> Iterator[Resource]:
    for entry in layout:
        public = {"vpc": Ref("vpc"), "zone": entry.zone, "cidr": entry.public, "tags": _tags(request, **{ELB: "1"})}
        yield Resource("subnet", f"subnet/public/{entry.zone}", public)
        if request.nat != "none":
            tags = _tags(request, **{INTERNAL_ELB: "1"})
            private = {"vpc": Ref("vpc"), "zone": entry.zone, "cidr": entry.private, "tags": tags}
            yield Resource("subnet", f"subnet/private/{entry.zone}", private)


def _ways_out(request: NetworkRequest, layout: Sequence[ZoneLayout]) -> Iterator[Resource]:
    """Public subnets share one table; private ones share one NAT gateway and table, or have their own in each zone."""
    public = [f"public/{entry.zone}" for entry in layout]
    yield from _table(request, "public", Ref("internet-gateway"), public, after=("gateway-attachment",))
    if request.nat == "none":
        return
    private = {entry.zone: [f"private/{entry.zone}"] for entry in layout}
    if request.nat == "single":
        private = {layout[0].zone: [f"private/{entry.zone}" for entry in layout]}
    for zone, subnets in private.items():
        yield Resource("address", f"address/{zone}", {"tags": _tags(request)})
        gateway = {"subnet": Ref(f"subnet/public/{zone}"), "address": Ref(f"address/{zone}"), "tags": _tags(request)}
        yield Resource("nat-gateway", f"nat-gateway/{zone}", gateway, after=("gateway-attachment",))
        name = "private" if request.nat == "single" else f"private/{zone}"
        yield from _table(request, name, Ref(f"nat-gateway/{zone}"), subnets)


def _table(
    request: NetworkRequest, name: str, target: Ref, subnets: Sequence[str], after: tuple[str, ...] = ()
) -> Iterator[Resource]:
    table = Ref(f"route-table/{name}")
    # pod ranges are routed in every table that machines use: those that carry the cluster's tag
    tags = _tags(request) if name != "public" or request.nat == "none" else dict(request.tags)
    yield Resource("route-table", table.key, {"vpc": Ref("vpc"), "tags": tags})
    yield Resource("default-route", f"default-route/{name}", {"table": table, "target": target}, after=after)
    for subnet in subnets:
        properties = {"table": table, "subnet": Ref(f"subnet/{subnet}")}
        yield Resource("route-table-association", f"route-table-association/{subnet}", properties)


def _firewalls(request: NetworkRequest) -> Iterator[Resource]:
    for name, purpose in GROUPS.items():
        tags = _tags(request) if name == NODE else dict(request.tags)
        group: dict[str, Any] = {
            "name": f"{request.cluster}-{name}", "vpc": _network_of(request), "tags": tags,
            "description": f"cloudk8s cluster {request.cluster}: {purpose}",
        }  # fmt: skip
        if request.existing is not None and name == CONTROL_PLANE:  # it stands for the cluster where no network does
            uses = f"{request.existing.id}|{','.join(request.pod_cidrs)}"
            group |= {"record": dict(request.record), "tags": {**tags, USES_TAG: uses}}
        yield Resource("security-group", f"security-group/{name}", group)
    for name, rules in rules_of(request).items():
        if rules:
            properties: dict[str, Any] = {"group": Ref(f"security-group/{name}"), "rules": list(rules)}
            yield Resource("security-group-rules", f"security-group-rules/{name}", properties)


def _interruptions(request: NetworkRequest) -> Iterator[Resource]:
    """Only for clusters with machines that AWS may take back."""
    if not request.hears_interruptions:
        return
    on = Ref("vpc") if request.existing is None else Ref(f"security-group/{CONTROL_PLANE}")
    name, tags = interruptions_name(request.uid), _tags(request)
    pattern = {key: list(values) for key, values in PATTERN.items()}
    yield Resource(MARK, MARK, {"on": on})
    yield Resource(RULE, RULE, {"name": name, "pattern": pattern, "tags": tags}, after=(MARK,))
    queue = {"name": name, "rule": Ref(RULE, "arn"), "retention": RETENTION, "encrypted": True, "tags": tags}
    yield Resource(QUEUE, QUEUE, queue)
    yield Resource(FILLING, FILLING, {"rule": Ref(RULE), "queue": Ref(QUEUE, "arn")})


def _endpoint(request: NetworkRequest) -> Iterator[Resource]:
    name = api_name(request.uid)
    side = "public" if request.api_scheme == "internet-facing" or request.nat == "none" else "private"
    existing = request.existing
    subnets: list[Ref | str] = [Ref(f"subnet/{side}/{zone}") for zone in request.zones]
    if existing is not None:
        subnets = [existing.balancers[zone] for zone in sorted(existing.balancers)]
    group = {"name": name, "vpc": _network_of(request), "port": request.api_port, "tags": _tags(request)}
    # as long as it is there, something carries the cluster's tag in EC2: looks rely on that
    after = (f"security-group/{CONTROL_PLANE}",) if existing is not None else ()
    yield Resource("api-target-group", "api-target-group", group, after=after)
    where = {PLACE_TAG: place_of(request.dns_zone, request.dns_name)} if request.dns_zone else {}
    balancer = {
        "name": name, "vpc": _network_of(request), "scheme": request.api_scheme, "tags": _tags(request, **where),
        "subnets": subnets,
        "groups": [Ref(f"security-group/{LOAD_BALANCER}")],
    }  # fmt: skip
    after = ("gateway-attachment",) if request.api_scheme == "internet-facing" and existing is None else ()
    yield Resource("api-balancer", "api-balancer", balancer, after=after)
    listener = {"balancer": Ref("api-balancer"), "port": request.api_port, "group": Ref("api-target-group")}
    yield Resource("api-listener", "api-listener", listener)
    if request.dns_zone:
        record = {
            "place": where[PLACE_TAG], "target": Ref("api-balancer", "hostname"),
            "target_zone": Ref("api-balancer", "zone"), "private": request.api_scheme == "internal",
        }  # fmt: skip
        yield Resource("dns-record", "dns-record", record)
    if request.members:
        targets = {
            "group": Ref("api-target-group"), "instances": sorted(request.members),
            "loops": request.api_scheme == "internal",
        }  # fmt: skip
        yield Resource("api-targets", "api-targets", targets)


def _storage(request: NetworkRequest, layout: Sequence[ZoneLayout], region: str) -> Resource:
    names = ["public"]
    if request.nat == "single":
        names.append("private")
    elif request.nat == "per-zone":
        names += [f"private/{entry.zone}" for entry in layout]
    tables = [Ref(f"route-table/{name}") for name in names]
    properties = {
        "vpc": Ref("vpc"), "service": f"com.amazonaws.{region}.s3", "tables": tables, "tags": _tags(request),
    }  # fmt: skip
    return Resource("vpc-endpoint", "vpc-endpoint/s3", properties)


def group_of(role: str) -> str:
    """Key of the security group of machines of a role."""
    return f"security-group/{CONTROL_PLANE if role == 'control-plane' else 'node'}"
