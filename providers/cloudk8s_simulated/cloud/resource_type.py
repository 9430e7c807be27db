"""Things of the account as resources of a stack; one class for all kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s_simulated.cloud.account import Account, Taken, Thing


@dataclass(frozen=True, slots=True)
class AccountType:
    """A kind of the account, as the engine sees it."""

    account: Account
    name: str
    traits: Traits = field(default_factory=Traits)

    def list(self, scope: Scope) -> Sequence[Observed]:
        tags = {CLUSTER_TAG: scope.cluster} | ({OWNER_TAG: scope.owner} if scope.owner else {})
        return [self._observed(thing) for thing in self.account.list(self.name, tags)]

    def create(self, call: Create) -> Observed:
        try:
            thing = self.account.create(self.name, call.properties, call.tags, token=call.token)
        except Taken as taken:
            found = self.account.get([taken.id]).get(taken.id)
            if found is None or found.tags.get(OWNER_TAG) != call.owner.uid:
                raise
            thing = self.account.update(found.id, call.properties)
        return self._observed(thing)

    def update(self, call: Update) -> Observed:
        changed = {name: call.properties[name] for name in call.changed}
        return self._observed(self.account.update(call.observed.id, changed))

    def delete(self, observed: Observed) -> None:
        self.account.delete([observed.id])

    def _observed(self, thing: Thing) -> Observed:
        within = self.account.kinds[self.name].within
        return Observed(
            self.name, thing.tags.get(RESOURCE_TAG, ""), thing.id, thing.tags.get(OWNER_TAG, ""), thing.properties,
            self._attributes(thing), "ready" if self.account.is_ready(thing) else "pending", tags=thing.tags,
            within=str(thing.properties.get(within, "")) if within else "",
        )  # fmt: skip

    def _attributes(self, thing: Thing) -> Mapping[str, Any]:
        number = int(thing.id.rpartition("-")[2])
        if self.name in ("balancer", "address"):
            return {"ip": f"198.18.{number // 250 % 256}.{number % 250 + 1}"}
        return {}
