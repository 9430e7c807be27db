"""Resource types: balancers, and for drivers with tags the marks on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cloudk8s.cloud.stack.balancing import MARK
from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_libcloud.load_balancers.adapter import Balancer, Wanted
from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
from cloudk8s_libcloud.load_balancers.naming import Listener, balancer_name, cluster_mark, parse

TYPE = "balancer"
DIGEST_TAG = "cloudk8s.io/digest"
TARGETS_TAG = "cloudk8s.io/targets"
HANDLE = "balancer"


@dataclass(frozen=True, slots=True)
class BalancerType:
    """`balancer`: found by its name, and by its tags where there are any."""

    driver: BalancerDriver
    name: str = TYPE
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name"}), unordered=frozenset({"members", "listeners"}), api="libcloud"
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        """Members are read for one owner only, where listing does not tell them."""
        prefix = balancer_name(scope.cluster, scope.owner) if scope.owner else f"k{cluster_mark(scope.cluster)}"
        found: list[Observed] = []
        for balancer in self.driver.call("list_balancers", lambda driver: self.driver.adapter.list(driver, prefix)):
            if (owner := _owner_of(balancer, scope.cluster)) is None:
                continue
            full = self._in_full(balancer) if balancer.members is None and scope.owner else balancer
            entry = _observed(full, owner)
            found += [entry, *_marks(entry)]
        return found

    def create(self, call: Create) -> Observed:
        wanted = _wanted(call.properties, call.tags)
        made = self.driver.call("create_balancer", lambda driver: self.driver.adapter.create(driver, wanted))
        return replace(_observed(made, call.owner.uid), properties=dict(call.properties), tags=call.tags)

    def update(self, call: Update) -> Observed:
        balancer, wanted = _balancer_of(call.observed), _wanted(call.properties, call.tags)
        adapter = self.driver.adapter
        changes = {"listeners": adapter.set_listeners, "check": adapter.set_check, "members": adapter.set_members}
        for name, change in changes.items():
            if name in call.changed:
                self.driver.call(f"change_{name}", partial(_apply, change, balancer, wanted))
        return replace(call.observed, properties={**call.observed.properties, **call.properties})

    def delete(self, observed: Observed) -> None:
        with suppress(CloudNotFound):
            balancer = _balancer_of(observed)
            self.driver.call("destroy_balancer", lambda driver: self.driver.adapter.destroy(driver, balancer))

    def _in_full(self, balancer: Balancer) -> Balancer:
        return self.driver.call("list_members", lambda driver: self.driver.adapter.with_members(driver, balancer))


@dataclass(frozen=True, slots=True)
class MarkType:
    """`mark`: digests as tags of the balancer; listed together with it, gone together with it."""

    driver: BalancerDriver
    name: str = MARK
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"balancer"}), api="libcloud"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        return ()

    def create(self, call: Create) -> Observed:
        self._write(call.properties)
        id = str(call.properties["balancer"])
        return Observed(MARK, call.key, f"{id}#{MARK}", call.owner.uid, dict(call.properties), within=id)

    def update(self, call: Update) -> Observed:
        self._write(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        """It goes with its balancer; alone it only says that nothing is known."""
        self._write({"balancer": observed.within, "digest": "", "targets": ""})

    def _write(self, properties: Mapping[str, Any]) -> None:
        tags = {DIGEST_TAG: properties["digest"], TARGETS_TAG: properties["targets"]}
        balancer = Balancer(properties["balancer"], properties["balancer"])
        self.driver.call("set_tags", lambda driver: self.driver.adapter.set_tags(driver, balancer, tags))


def _apply(change: Callable[[Any, Balancer, Wanted], None], balancer: Balancer, wanted: Wanted, driver: Any) -> None:
    change(driver, balancer, wanted)


def _owner_of(balancer: Balancer, cluster: str) -> str | None:
    """UID of the Service; None for another cluster's. Tags win over the name, which holds no more than a mark."""
    named = parse(balancer.name)
    if named is None or named.cluster_mark != cluster_mark(cluster):
        return None
    if balancer.tags:
        return balancer.tags.get(OWNER_TAG) if balancer.tags.get(CLUSTER_TAG) == cluster else None
    return named.uid


def _observed(balancer: Balancer, owner: str) -> Observed:
    properties: dict[str, Any] = {
        "name": balancer.name, "listeners": [[e.protocol, e.port, e.back] for e in balancer.listeners],
    }  # fmt: skip
    if balancer.members is not None:
        properties["members"] = list(balancer.members)
    if balancer.check:
        properties["check"] = balancer.check
    key = balancer.tags.get(RESOURCE_TAG) or key_of(balancer.name)
    attributes = {"address": balancer.address, HANDLE: balancer}
    return Observed(TYPE, key, balancer.id, owner, properties, attributes, balancer.state, tags=balancer.tags)


def _balancer_of(observed: Observed) -> Balancer:
    """The driver's own object, as it was listed; drivers want it back."""
    balancer: Balancer = observed.attributes[HANDLE]
    return balancer


def key_of(name: str) -> str:
    """The key of a balancer in its stack: what can't be changed in place is part of it."""
    return f"{TYPE}/{name}"


def _marks(entry: Observed) -> list[Observed]:
    if not entry.tags.get(DIGEST_TAG):
        return []
    digests = {"digest": entry.tags[DIGEST_TAG], "targets": entry.tags.get(TARGETS_TAG, "")}
    properties = {"balancer": entry.id, **digests}
    return [Observed(MARK, MARK, f"{entry.id}#{MARK}", entry.owner, properties, tags=entry.tags, within=entry.id)]


def _wanted(properties: Mapping[str, Any], tags: Mapping[str, str]) -> Wanted:
    listeners = tuple(Listener(*entry) for entry in properties.get("listeners", ()))
    members = tuple(properties.get("members", ()))
    return Wanted(str(properties.get("name", "")), listeners, members, str(properties.get("check", "")), tags)
