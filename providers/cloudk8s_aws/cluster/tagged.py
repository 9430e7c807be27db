"""What a cluster has, as its tags alone tell: one listing for all that goes with the network, enough to delete it.

What AWS deletes with something else is left out: associations with their subnets, routes with their tables, listeners
with their load balancer, targets with their group.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.stack.interface import Create, Observed, ResourceType, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s_aws.api import AwsApi, tags_of
from cloudk8s_aws.cluster.identity import POLICY, Iam
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.cluster.reading import Reader
from cloudk8s_aws.cluster.vpc import RECORD
from cloudk8s_aws.interruptions.types import QUEUE, RULE, target_id

PREFIXES: Mapping[str, str] = {
    "vpc-": "vpc", "igw-": "internet-gateway", "rtb-": "route-table", "subnet-": "subnet", "eipalloc-": "address",
    "nat-": "nat-gateway", "sg-": "security-group", "vpce-": "vpc-endpoint", "lt-": "launch-template",
}  # fmt: skip
BALANCER, GROUP = "api-balancer", "api-target-group"
ASKED = [
    "ec2:vpc", "ec2:internet-gateway", "ec2:route-table", "ec2:subnet", "ec2:elastic-ip", "ec2:natgateway",
    "ec2:security-group", "ec2:vpc-endpoint", "ec2:launch-template", "elasticloadbalancing:loadbalancer",
    "elasticloadbalancing:targetgroup", "sqs", "events:rule",
]  # fmt: skip
TAGS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Tagged:
    """One thing with the cluster's tag."""

    type: str
    id: str
    tags: Mapping[str, str]

    @property
    def owner(self) -> str:
        return self.tags.get(OWNER_TAG, "")


@dataclass(slots=True)
class TagListing:
    """The listing of one observation, shared by its types."""

    api: AwsApi
    reader: Reader
    known: KnownVpc
    _found: Sequence[Tagged] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, scope: Scope, types: object) -> None:
        """A new observation."""
        wanted = [{"Key": CLUSTER_TAG, "Values": [scope.cluster]}]
        listed = self.api.pages(
            "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=wanted,
            ResourceTypeFilters=ASKED, TagsPerPage=TAGS_AT_ONCE,
        )  # fmt: skip
        found = [Tagged(*_named(entry["ResourceARN"]), tags_of(entry)) for entry in listed]
        vpcs = [entry.id for entry in found if entry.type == "vpc"]
        if not vpcs:  # gateways that are gone are shown for an hour, but none outlives its VPC
            found = [entry for entry in found if entry.type != "nat-gateway"]
        with self._lock:
            self._found = found
        self.known.id = vpcs[0] if len(vpcs) == 1 else ""
        self.reader.begin(scope, ())
        self.reader.learn({entry.id.partition("-")[0] + "-" for entry in found})

    def of(self, name: str, scope: Scope) -> Sequence[Tagged]:
        """Things of one type that the owner has."""
        with self._lock:
            return [entry for entry in self._found if entry.type == name and scope.owner in ("", entry.owner)]

    def others(self, owner: str) -> bool:
        """Whether load balancers, or what belongs to them, have other owners."""
        kinds = (BALANCER, GROUP, "security-group")
        with self._lock:
            return any(entry.type in kinds and entry.owner != owner for entry in self._found)


@dataclass(frozen=True, slots=True)
class TaggedType:
    """A resource type that is listed by its tags; everything else is as `whole` does it."""

    whole: ResourceType
    shared: TagListing
    look: Callable[[TagListing, ResourceType, Scope], Sequence[Observed]]

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def traits(self) -> Traits:
        return self.whole.traits

    def list(self, scope: Scope) -> Sequence[Observed]:
        return self.look(self.shared, self.whole, scope)

    def create(self, call: Create) -> Observed:
        return self.whole.create(call)

    def update(self, call: Update) -> Observed:
        return self.whole.update(call)

    def delete(self, observed: Observed) -> None:
        self.whole.delete(observed)


def by_tags(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """As the listing has them."""
    return [
        Observed(whole.name, entry.tags.get(RESOURCE_TAG, ""), entry.id, entry.owner, _record(entry), tags=entry.tags)
        for entry in listing.of(whole.name, scope)
    ]


def attachments(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """An internet gateway is attached to the cluster's VPC, as long as that is there."""
    gateways, vpcs = listing.of("internet-gateway", scope), listing.of("vpc", scope)
    if len(vpcs) > 1:
        return whole.list(scope)
    return [
        Observed(
            whole.name, whole.name, f"{gateway.id}#{vpc.id}", gateway.owner, {"gateway": gateway.id, "vpc": vpc.id},
            tags=gateway.tags,
        )
        for gateway in gateways
        for vpc in vpcs
    ]  # fmt: skip


def only_with(tag: str) -> Callable[[TagListing, ResourceType, Scope], Sequence[Observed]]:
    """Only asked for where a load balancer has this tag."""

    def look(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
        return whole.list(scope) if any(tag in entry.tags for entry in listing.of(BALANCER, scope)) else ()

    return look


def groups_in_order(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """Security groups, and which others they refer to once the rules are gone that go first."""
    if not listing.of("security-group", scope):
        return ()
    groups = whole.list(scope)
    broken = set(_breaking({entry.id: set(entry.attributes.get("refers_to", ())) for entry in groups}))
    return [replace(entry, attributes={}) if entry.id in broken else entry for entry in groups]


def only_with_groups(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """Only asked for while there are security groups."""
    return whole.list(scope) if listing.of("security-group", scope) else ()


def rules_in_circles(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """Only those rules without which groups can be deleted one after the other."""
    if not listing.of("security-group", scope):
        return ()
    rules = {entry.properties["group"]: entry for entry in whole.list(scope)}
    edges = {group: _targets(entry) for group, entry in rules.items()}
    return [rules[group] for group in _breaking(edges)]


def targets_of_rules(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """Each rule sends to its queue, as far as tags tell; AWS keeps it until it does not."""
    rules = listing.of(RULE, scope)
    return [
        Observed(whole.name, whole.name, target_id(rule.id), rule.owner, {"rule": rule.id}, tags=rule.tags)
        for rule in rules
    ]


def parts_of_roles(listing: TagListing, whole: ResourceType, scope: Scope) -> Sequence[Observed]:
    """Profiles and policies are called like their roles; one that is not there is gone already."""
    iam: Iam = whole.shared  # type: ignore[attr-defined]
    return [_part(whole.name, role["RoleName"], scope) for role in iam.roles(scope)]


def _part(type: str, role: str, scope: Scope) -> Observed:
    short = "control-plane" if "-control-plane-" in role else "worker"
    if type == "role-policy":
        return Observed(type, f"{type}/{short}", f"{role}#{POLICY}", scope.owner, {"role": role})
    if type == "profile-role":
        return Observed(type, f"{type}/{short}", f"{role}#{role}", scope.owner, {"profile": role, "role": role})
    return Observed(type, f"{type}/{short}", role, scope.owner, {"name": role})


def _named(arn: str) -> tuple[str, str]:
    """Type and id of an ARN; load balancing calls things by their ARNs."""
    if ":loadbalancer/" in arn:
        return BALANCER, arn
    if ":targetgroup/" in arn:
        return GROUP, arn
    if ":sqs:" in arn:
        return QUEUE, arn.rpartition(":")[2]
    if ":events:" in arn:
        return RULE, arn.rpartition("/")[2]
    id = arn.rpartition("/")[2]
    return PREFIXES.get(id.partition("-")[0] + "-", ""), id


def _record(entry: Tagged) -> dict[str, object]:
    if entry.type != "vpc":
        return {}
    return {"record": {key: value for key, value in entry.tags.items() if key.startswith(RECORD)}}


def _targets(entry: Observed) -> set[str]:
    group = entry.properties["group"]
    sources = (rule["source"] for rule in entry.properties["rules"])
    return {source for source in sources if source.startswith("sg-") and source != group}


def _breaking(edges: Mapping[str, set[str]]) -> Iterator[str]:
    """Groups whose rules must go first: those that refer most, while there is a circle."""
    left = {group: set(targets) for group, targets in edges.items()}
    while left:
        free = [group for group in left if not any(group in targets for targets in left.values())]
        if not free:
            worst = max(sorted(left), key=lambda group: len(left[group]))
            yield worst
            left[worst] = set()
            continue
        for group in free:
            del left[group]
