"""Security groups, and in a second step their rules, which may refer to each other's groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudError, CloudNotFound
from cloudk8s_aws.api import filters, tags_of
from cloudk8s_aws.cluster.blockers import explained
from cloudk8s_aws.cluster.firewall import MARK
from cloudk8s_aws.cluster.kind import Ec2, made, observed, part, specification, suffix
from cloudk8s_aws.cluster.reading import Raw, Reader
from cloudk8s_aws.cluster.vpc import keep_record, record_of
from cloudk8s_aws.errors import Taken

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClusterGroupType:
    """`security-group`: its name is unique in the VPC, so an earlier attempt's group is found again."""

    ec2: Ec2
    name: str = "security-group"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"vpc", "name"}), write_only=frozenset({"description", "tags"}), api="ec2"
        )
    )

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            observed(
                self.name, raw, raw["GroupId"],
                {"vpc": raw["VpcId"], "name": raw["GroupName"], "record": record_of(tags_of(raw))},
                attributes={"refers_to": sorted(_sources(raw) - {raw["GroupId"]})},
            )
            for raw in self._ours(scope)
        ]  # fmt: skip

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            id = self.ec2.call(
                "create_security_group", GroupName=wanted["name"], VpcId=wanted["vpc"],
                Description=wanted["description"], TagSpecifications=specification("security-group", call),
            )["GroupId"]  # fmt: skip
        except Taken:
            id = self._adopt(call)
        return made(call, self.name, id)

    def update(self, call: Update) -> Observed:
        return keep_record(self.ec2, call)

    def delete(self, observed: Observed) -> None:
        with explained(self.ec2, group_id=observed.id):
            self.ec2.call("delete_security_group", GroupId=observed.id)

    def delete_many(self, resources: Sequence[Observed]) -> Mapping[str, CloudError]:
        """None before what refers to it; the first that fails stops nothing that can go without it."""
        failed: dict[str, CloudError] = {}
        for entry in _referring_first(resources):
            try:
                self.delete(entry)
            except CloudNotFound:
                continue
            except CloudError as error:
                failed[entry.id] = error
        return failed

    def _ours(self, scope: Scope) -> Iterable[Raw]:
        """Groups of the network; those of Services have other owners."""
        return (raw for raw in self.ec2.reader.entries(self.name, scope))

    def _adopt(self, call: Create) -> str:
        wanted = filters(vpc_id=[call.properties["vpc"]], group_name=[call.properties["name"]])
        found = self.ec2.call("describe_security_groups", Filters=wanted)["SecurityGroups"]
        if not found or tags_of(found[0]).get(OWNER_TAG) != call.owner.uid:
            raise Taken(f"security group {call.properties['name']} exists and is not ours")
        return str(found[0]["GroupId"])


@dataclass(frozen=True, slots=True)
class GroupRulesType:
    """`security-group-rules`: all of our rules of one group. Rules without our mark are others' and are kept."""

    ec2: Ec2
    name: str = "security-group-rules"
    traits: Traits = field(
        default_factory=lambda: Traits(immutable=frozenset({"group"}), unordered=frozenset({"rules"}), api="ec2")
    )

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for raw in self.ec2.reader.entries("security-group", scope):
            rules = [rule for rule in read_rules(raw.get("IpPermissions") or ()) if rule["what"].startswith(MARK)]
            if rules:
                id, key = raw["GroupId"], f"{self.name}/{suffix(tags_of(raw).get(RESOURCE_TAG, ''))}"
                holds_on = any(rule["source"].startswith("sg-") and rule["source"] != id for rule in rules)
                properties = {"group": id, "rules": rules}
                found.append(part(self.name, key, f"{id}#rules", raw, properties, within="" if holds_on else id))
        return found

    def create(self, call: Create) -> Observed:
        group, rules = call.properties["group"], call.properties["rules"]
        self._add(group, rules)
        return made(call, self.name, f"{group}#rules")

    def update(self, call: Update) -> Observed:
        group, wanted = call.properties["group"], call.properties["rules"]
        present = call.observed.properties["rules"]
        if missing := [rule for rule in wanted if rule not in present]:
            self._add(group, missing)
        if surplus := [rule for rule in present if rule not in wanted]:
            self._remove(group, surplus)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        self._remove(observed.properties["group"], observed.properties["rules"])

    def _add(self, group: str, rules: Sequence[Rule]) -> None:
        try:
            self.ec2.call("authorize_security_group_ingress", GroupId=group, IpPermissions=permissions(rules))
        except Taken:
            if len(rules) > 1:
                for rule in rules:
                    self._add(group, [rule])
            else:  # there under another description: make it ours again
                self.ec2.call(
                    "update_security_group_rule_descriptions_ingress", GroupId=group, IpPermissions=permissions(rules)
                )

    def _remove(self, group: str, rules: Sequence[Rule]) -> None:
        try:
            self.ec2.call("revoke_security_group_ingress", GroupId=group, IpPermissions=permissions(rules))
        except CloudNotFound:
            return  # the group or the rules are gone


def permissions(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Rules as EC2 takes them: one permission for each protocol and range of ports."""
    grouped: dict[tuple[str, int, int], dict[str, Any]] = {}
    for rule in rules:
        key = (rule["protocol"], rule["from"], rule["to"])
        entry = grouped.setdefault(key, {"IpProtocol": key[0], "FromPort": key[1], "ToPort": key[2]})
        name, field_name = _source_kind(rule["source"])
        entry.setdefault(name, []).append({field_name: rule["source"], "Description": rule["what"]})
    return list(grouped.values())


def read_rules(permissions: Iterable[Raw]) -> list[dict[str, Any]]:
    """The inverse of `permissions`, in a stable order."""
    found = []
    for entry in permissions:
        sources = [(pair["GroupId"], pair) for pair in entry.get("UserIdGroupPairs") or ()]
        sources += [(range["CidrIp"], range) for range in entry.get("IpRanges") or ()]
        sources += [(range["CidrIpv6"], range) for range in entry.get("Ipv6Ranges") or ()]
        for source, details in sources:
            found.append(
                {
                    "protocol": entry["IpProtocol"], "from": entry.get("FromPort", -1), "to": entry.get("ToPort", -1),
                    "source": source, "what": details.get("Description", ""),
                }
            )  # fmt: skip
    return sorted(found, key=lambda rule: (rule["protocol"], rule["from"], rule["source"]))


def _sources(raw: Raw) -> set[str]:
    """Groups that a group's rules refer to."""
    return {rule["source"] for rule in read_rules(raw.get("IpPermissions") or ()) if rule["source"].startswith("sg-")}


def _referring_first(groups: Sequence[Observed]) -> list[Observed]:
    left, ordered = list(groups), list[Observed]()
    while left:
        used = {id for entry in left for id in entry.attributes.get("refers_to", ())}
        free = [entry for entry in left if entry.id not in used] or left[:1]
        ordered += free
        left = [entry for entry in left if entry not in free]
    return ordered


def _source_kind(source: str) -> tuple[str, str]:
    if source.startswith("sg-"):
        return "UserIdGroupPairs", "GroupId"
    return ("Ipv6Ranges", "CidrIpv6") if ":" in source else ("IpRanges", "CidrIp")
