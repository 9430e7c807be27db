"""Apply manifests to a cluster as `kubectl apply --server-side` does, definitions before what they define."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.client.discovery import discover
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of
from cloudk8s.errors import NotFound

MANAGER: Final = "cloudk8s-addons"
FIRST: Final = ("Namespace", "CustomResourceDefinition", "ServiceAccount")


async def apply_manifests(client: Client, objects: Sequence[Object]) -> list[Object]:
    """Apply what can be applied; returns objects whose kinds the cluster does not serve, or not yet."""
    known = (await discover(client)).by_kind()
    later: list[Object] = []
    for obj in sorted(objects, key=_turn):
        resource = known.get((obj["apiVersion"], obj["kind"]))
        if resource is None:
            later.append(obj)
            continue
        namespace = obj["metadata"].get("namespace") or ("default" if resource.namespaced else "")
        whole = {**obj, "metadata": {**obj["metadata"], **({"namespace": namespace} if namespace else {})}}
        try:
            await client.patch(
                resource, name_of(obj), whole, namespace=namespace, type="apply", field_manager=MANAGER, force=True
            )
        except NotFound:
            later.append(obj)
    return later


def _turn(obj: Object) -> int:
    return FIRST.index(obj["kind"]) if obj["kind"] in FIRST else len(FIRST)
