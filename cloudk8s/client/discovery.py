"""What an API server serves: all resources of all groups, by aggregated or, on old servers, legacy discovery."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Client, Resource
from cloudk8s.errors import StatusError

ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class Served:
    """One served resource and what can be done with it."""

    resource: Resource
    verbs: frozenset[str]

    def can(self, *verbs: str) -> bool:
        return self.verbs.issuperset(verbs)


@dataclass(frozen=True, slots=True)
class Discovery:
    """All resources, those of a group's preferred version first; subresources are left out."""

    resources: Sequence[Served]
    failed: frozenset[str] = frozenset()
    """Groups that could not be asked just now: what was known of them before still holds."""

    def preferred(self) -> Sequence[Served]:
        """Each group's resource once, in the version that the group prefers (or the first that has it)."""
        found: dict[tuple[str, str], Served] = {}
        for served in self.resources:
            found.setdefault((served.resource.group, served.resource.plural), served)
        return list(found.values())

    def by_kind(self) -> Mapping[tuple[str, str], Resource]:
        """Resources by apiVersion and kind."""
        return {(served.resource.api_version, served.resource.kind): served.resource for served in self.resources}


async def discover(client: Client) -> Discovery:
    """Ask the server. Raises StatusError only if it cannot be asked at all; single groups that fail are named."""
    core, groups = await asyncio.gather(
        client.request("GET", "/api", headers={"Accept": ACCEPT}),
        client.request("GET", "/apis", headers={"Accept": ACCEPT}),
    )
    if core.get("kind") == "APIGroupDiscoveryList" and groups.get("kind") == "APIGroupDiscoveryList":
        return _aggregated([*core["items"], *groups["items"]])
    return await _legacy(client, core, groups)


async def release_of(client: Client) -> str:
    """The server's minor release: `1.37`; some clouds' have a plus sign."""
    version = await client.request("GET", "/version")
    return f"{version['major']}.{version['minor'].rstrip('+')}"


def _aggregated(items: Iterable[Mapping[str, Any]]) -> Discovery:
    resources: list[Served] = []
    failed: set[str] = set()
    for item in items:
        group = (item.get("metadata") or {}).get("name", "")
        for version in item.get("versions") or ():
            if version.get("freshness") == "Stale":
                failed.add(group)
            for entry in version.get("resources") or ():
                kind = (entry.get("responseKind") or {}).get("kind", "")
                is_namespaced = entry.get("scope") == "Namespaced"
                resource = Resource(group, version["version"], entry["resource"], kind, is_namespaced)
                resources.append(Served(resource, frozenset(entry.get("verbs") or ())))
    return Discovery(resources, frozenset(failed))


async def _legacy(client: Client, core: Mapping[str, Any], groups: Mapping[str, Any]) -> Discovery:
    versions = [("", version) for version in core.get("versions") or ()]
    for group in groups.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("version")
        found = [entry["version"] for entry in group.get("versions") or ()]
        versions += [(group["name"], version) for version in sorted(found, key=lambda v: v != preferred)]
    answers = await asyncio.gather(*(_version(client, group, version) for group, version in versions))
    resources = [served for answer in answers for served in answer or ()]
    failed = {group for (group, _), answer in zip(versions, answers, strict=True) if answer is None}
    return Discovery(resources, frozenset(failed))


async def _version(client: Client, group: str, version: str) -> Sequence[Served] | None:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        answer = await client.request("GET", path)
    except StatusError:
        return None
    return [
        Served(
            Resource(group, version, entry["name"], entry["kind"], bool(entry.get("namespaced"))),
            frozenset(entry.get("verbs") or ()),
        )
        for entry in answer.get("resources") or ()
        if "/" not in entry["name"]
    ]
