"""Security groups of the EC2 driver and its kin: one for all machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.errors import CloudError, CloudNotFound, RetryLater
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.surroundings.rules import EVERYTHING, SELF, Rule, missing, rule

KEY: Final = "security-group"
NEEDED: Final = (
    "ex_get_security_groups", "ex_create_security_group", "ex_delete_security_group_by_id",
    "ex_authorize_security_group_ingress", "ex_revoke_security_group_ingress",
)  # fmt: skip
"""What a driver must have beyond the base API."""
_USED_FOR: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SecurityGroups:
    """The security groups of one account that clusters own, as a resource type."""

    driver: Driver

    name: str = "security-group"
    traits: Traits = Traits(write_only=frozenset({"vpc"}), unordered=frozenset({"rules"}))  # noqa: RUF009

    def list(self, scope: Scope) -> Sequence[Observed]:
        filters = {"group-name": group_name(scope.cluster)}
        found = self.driver.call("list_security_groups", lambda driver: driver.ex_get_security_groups(filters=filters))
        return [_observed(group, scope) for group in found if group.name == group_name(scope.cluster)]

    def create(self, call: Create) -> Observed:
        scope = Scope(call.owner.cluster, call.owner.uid)
        found = next(iter(self.list(scope)), None)
        if found is None:
            name, vpc = group_name(scope.cluster), call.properties["vpc"]
            text = f"machines of cluster {scope.cluster}"
            made = self.driver.call(
                "create_security_group",
                lambda driver: driver.ex_create_security_group(name, text, **({"vpc_id": vpc} if vpc else {})),
            )
            found = Observed(self.name, KEY, str(made["group_id"]), scope.owner, {"rules": []})
        self._converge(found, call.properties["rules"])
        return _with_rules(found, call.properties["rules"])

    def update(self, call: Update) -> Observed:
        self._converge(call.observed, call.properties["rules"])
        return _with_rules(call.observed, call.properties["rules"])

    def delete(self, observed: Observed) -> None:
        try:
            self.driver.call("delete_security_group", lambda driver: driver.ex_delete_security_group_by_id(observed.id))
        except CloudNotFound:
            return
        except CloudError as error:
            if "DependencyViolation" in str(error):  # the driver has nothing but this text
                raise RetryLater(_USED_FOR, f"security group {observed.id} is in use by machines") from error
            raise

    def _converge(self, group: Observed, wanted: Sequence[Rule]) -> None:
        """Open what is missing first: nobody is locked out on the way."""
        present = group.properties["rules"]
        for entry in missing(wanted, present):
            self._call("authorize", group.id, entry)
        for entry in missing(present, wanted):
            self._call("revoke", group.id, entry)

    def _call(self, verb: str, id: str, entry: Rule) -> None:
        source = entry["source"]
        where: dict[str, Any] = {"group_pairs": [{"group_id": id}]} if source == SELF else {"cidr_ips": [source]}
        arguments = {"protocol": entry["protocol"], "from_port": entry["from"], "to_port": entry["to"], **where}
        try:
            self.driver.call(
                f"{verb}_security_group",
                lambda driver: getattr(driver, f"ex_{verb}_security_group_ingress")(id, **arguments),
            )
        except CloudError as error:
            if "InvalidPermission.Duplicate" not in str(error) or verb != "authorize":
                raise


def group_name(cluster: str) -> str:
    """The name of a cluster's security group; no name of a cluster has an underscore."""
    return f"cloudk8s_{cluster}_machines"


def _with_rules(group: Observed, rules: Sequence[Rule]) -> Observed:
    return Observed(group.type, group.key, group.id, group.owner, {"rules": [*rules]})


def _observed(group: Any, scope: Scope) -> Observed:
    rules = [entry for found in group.ingress_rules for entry in _rules(found, group.id)]
    return Observed("security-group", KEY, str(group.id), scope.owner, {"rules": rules})


def _rules(found: dict[str, Any], own: str) -> Iterator[Rule]:
    """One rule for each source. Of a permission with groups and ranges the driver loses the ranges; ours have one."""
    protocol = str(found["protocol"])
    ports = (int(found["from_port"] or -1), int(found["to_port"] or -1)) if protocol != EVERYTHING else (-1, -1)
    for pair in found["group_pairs"]:
        yield rule(protocol, SELF if pair["group_id"] in (own, None) else str(pair["group_id"]), *ports)
    for cidr in found["cidr_ips"]:
        if cidr:
            yield rule(protocol, str(cidr), *ports)
