"""The name of the API in a hosted zone of Route 53: an alias of its load balancer.

Records carry no tags, so a TXT record beside it says whose it is; both are made and deleted in one change, which
Route 53 makes as a whole or not at all. Which zone it is in is a tag of the load balancer: that comes before the record
and goes after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudError, CloudNotFound, Unsupported
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.balancing import ApiBalancers
from cloudk8s_aws.cluster.kind import made

Record = Mapping[str, Any]
PLACE_TAG = "cloudk8s.io/dns"
"""Tag of the load balancer: `zone|name`, as declared."""
FIELD = "network.api.dnsZone"
TTL = 300


def place_of(zone: str, name: str) -> str:
    """The value of the tag."""
    return f"{zone}|{name}"


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a zone, found out."""

    zone: str
    name: str


@dataclass(frozen=True, slots=True)
class Zones:
    """Hosted zones of the account, by id or by domain."""

    api: AwsApi

    def find(self, zone: str, name: str, cluster: str, *, private: bool) -> Place:
        """Raises Unsupported where there is no such zone, or it can't be told which one is meant."""
        found = self._by_id(zone) if "." not in zone else self._by_domain(zone, private=private)
        domain = found["Name"].rstrip(".")
        full = name.rstrip(".") or f"api.{cluster}"
        full = full if full == domain or full.endswith(f".{domain}") else f"{full}.{domain}"
        return Place(found["Id"].rpartition("/")[2], full)

    def _by_id(self, id: str) -> Record:
        try:
            zone: Record = self.api.call("route53", "get_hosted_zone", Id=id)["HostedZone"]
        except CloudNotFound:
            raise Unsupported(FIELD, f"{FIELD}: there is no hosted zone {id}") from None
        return zone

    def _by_domain(self, domain: str, *, private: bool) -> Record:
        wanted = domain.rstrip(".") + "."
        listed = self.api.call("route53", "list_hosted_zones_by_name", DNSName=wanted)["HostedZones"]
        found = [zone for zone in listed if zone["Name"] == wanted]
        alike = [zone for zone in found if bool((zone.get("Config") or {}).get("PrivateZone")) == private]
        if len(chosen := alike or found) == 1:
            return dict(chosen[0])
        if not chosen:
            raise Unsupported(FIELD, f"{FIELD}: there is no hosted zone for {domain}; make one, or use another")
        ids = ", ".join(zone["Id"].rpartition("/")[2] for zone in chosen)
        raise Unsupported(FIELD, f"{FIELD}: there are several hosted zones for {domain}; say which by its id: {ids}")


@dataclass(frozen=True, slots=True)
class DnsRecordType:
    """`dns-record`: only where a zone is declared; nothing is asked for clusters that have none."""

    shared: ApiBalancers
    name: str = "dns-record"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"place"}), write_only=frozenset({"target_zone", "private"}), api="route53"
        )
    )

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = self.shared.balancer(scope)
        if found is None or not (declared := found[1].get(PLACE_TAG, "")):
            return ()
        balancer, tags = found
        zone, _, name = declared.partition("|")
        try:
            place = self._zones.find(zone, name, scope.cluster, private=balancer["Scheme"] == "internal")
        except Unsupported:  # the zone is gone, and all that was in it
            return ()
        owner = tags[OWNER_TAG]
        records = self._records(place)
        if not _is_ours(records, owner) or (alias := _alias(records)) is None:
            return ()
        target = alias["AliasTarget"]["DNSName"].rstrip(".")
        hostname = str(balancer.get("DNSName", ""))
        properties = {"place": declared, "target": hostname if target.lower() == hostname.lower() else target}
        return [self._observed(place, owner, properties)]

    def create(self, call: Create) -> Observed:
        place = self._place(call)
        if (present := self._records(place)) and not _is_ours(present, call.owner.uid):
            raise Unsupported(
                "network.api.dnsName",
                f"network.api.dnsName: {place.name} is in the zone already and is not this cluster's; use another name",
            )
        self._change("UPSERT", place, _wanted(place, call.properties, call.owner.uid))
        found = made(call, self.name, f"{place.zone}#{place.name}", attributes={"name": place.name})
        return replace(found, tags=dict(call.tags))

    def update(self, call: Update) -> Observed:
        place = _parsed(call.observed.id)
        self._change("UPSERT", place, _wanted(place, call.properties, call.owner.uid))
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        place = _parsed(observed.id)
        records = self._records(place)
        if _is_ours(records, observed.owner):
            self._change("DELETE", place, records)

    @property
    def _zones(self) -> Zones:
        return Zones(self.shared.api)

    def _place(self, call: Create) -> Place:
        zone, _, name = call.properties["place"].partition("|")
        return self._zones.find(zone, name, call.owner.cluster, private=call.properties["private"])

    def _records(self, place: Place) -> Sequence[Record]:
        """The alias and the note of a name."""
        answer = self.shared.api.call(
            "route53", "list_resource_record_sets", HostedZoneId=place.zone, StartRecordName=f"{place.name}.",
            StartRecordType="A", MaxItems="20",
        )  # fmt: skip
        same = [entry for entry in answer["ResourceRecordSets"] if entry["Name"].rstrip(".") == place.name]
        return [entry for entry in same if entry["Type"] in ("A", "TXT", "CNAME")]

    def _change(self, action: str, place: Place, records: Sequence[Record]) -> None:
        changes = [{"Action": action, "ResourceRecordSet": dict(entry)} for entry in records]
        batch = {"Comment": f"cloudk8s: {place.name}", "Changes": changes}
        try:
            self.shared.api.call("route53", "change_resource_record_sets", HostedZoneId=place.zone, ChangeBatch=batch)
        except CloudError:
            if action != "DELETE" or self._records(place):  # an earlier attempt may have deleted it
                raise

    def _observed(self, place: Place, owner: str, properties: Mapping[str, Any]) -> Observed:
        id = f"{place.zone}#{place.name}"
        return Observed(self.name, self.name, id, owner, properties, {"name": place.name}, tags={OWNER_TAG: owner})


def _wanted(place: Place, properties: Mapping[str, Any], owner: str) -> list[Record]:
    alias = {"HostedZoneId": properties["target_zone"], "DNSName": properties["target"], "EvaluateTargetHealth": False}
    name = f"{place.name}."
    return [
        {"Name": name, "Type": "A", "AliasTarget": alias},
        {"Name": name, "Type": "TXT", "TTL": TTL, "ResourceRecords": [{"Value": _note(owner)}]},
    ]


def _note(owner: str) -> str:
    return f'"{OWNER_TAG}={owner}"'


def _is_ours(records: Sequence[Record], owner: str) -> bool:
    notes = [value["Value"] for entry in records if entry["Type"] == "TXT" for value in entry["ResourceRecords"]]
    return _note(owner) in notes


def _alias(records: Sequence[Record]) -> Record | None:
    return next((entry for entry in records if entry["Type"] == "A" and entry.get("AliasTarget")), None)


def _parsed(id: str) -> Place:
    zone, _, name = id.partition("#")
    return Place(zone, name)
