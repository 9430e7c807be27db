"""Key pairs, by libcloud's base API. The cloud tells no public key, so another key has another name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.errors import CloudNotFound, Unsupported
from cloudk8s_libcloud.driver import Driver

KEY: Final = "key-pair"
NEEDED: Final = ("list_key_pairs", "import_key_pair_from_string", "delete_key_pair")
"""What a driver must have of the base API."""


@dataclass(frozen=True, slots=True)
class KeyPairs:
    """The key pairs of one account that clusters own, as a resource type."""

    driver: Driver

    name: str = "key-pair"
    traits: Traits = Traits(immutable=frozenset({"digest"}), write_only=frozenset({"public_key"}))  # noqa: RUF009

    def list(self, scope: Scope) -> Sequence[Observed]:
        pairs = self.driver.call("list_key_pairs", lambda driver: driver.list_key_pairs())
        return [_observed(pair, scope) for pair in pairs if str(pair.name).startswith(prefix_of(scope.cluster))]

    def create(self, call: Create) -> Observed:
        name = prefix_of(call.owner.cluster) + call.properties["digest"]
        present = self.list(Scope(call.owner.cluster, call.owner.uid))
        if found := next((entry for entry in present if entry.id == name), None):
            return found
        material = call.properties["public_key"]
        made = self.driver.call(
            "import_key_pair", lambda driver: driver.import_key_pair_from_string(name=name, key_material=material)
        )
        return _observed(made, Scope(call.owner.cluster, call.owner.uid))

    def update(self, call: Update) -> Observed:
        raise Unsupported("settings.ssh_public_key", "a key pair is made anew, not changed")

    def delete(self, observed: Observed) -> None:
        def delete(driver: Any) -> None:
            for pair in driver.list_key_pairs():
                if pair.name == observed.id:
                    driver.delete_key_pair(pair)

        try:
            self.driver.call("delete_key_pair", delete)
        except CloudNotFound:
            return


def prefix_of(cluster: str) -> str:
    """What names of a cluster's key pairs begin with; no name of a cluster has an underscore."""
    return f"cloudk8s_{cluster}_"


def digest_of(public_key: str) -> str:
    """Stands for a key; its comment does not matter."""
    return hashlib.sha256(" ".join(public_key.split()[:2]).encode()).hexdigest()[:12]


def _observed(pair: Any, scope: Scope) -> Observed:
    digest = str(pair.name).removeprefix(prefix_of(scope.cluster))
    return Observed("key-pair", KEY, str(pair.name), scope.owner, {"digest": digest})
