"""Which resource a kind is, for kinds that nobody here knows: by discovery, asked again when something is missing."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.client.discovery import discover
from cloudk8s.client.interface import Client, Resource
from cloudk8s.client.resources import BUILT_IN, resource_of
from cloudk8s.machinery.clock import Clock

PATIENCE = 30.0
"""Seconds for which a kind that was not found is taken not to be there."""


class Kinds:
    """Remembers what discovery said."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: Mapping[tuple[str, str], Resource] = {}
        self._asked: float | None = None

    async def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind; None if it is not served."""
        built_in = resource_of({"apiVersion": api_version, "kind": kind})
        if built_in is not None:
            return built_in
        found = self._known.get((api_version, kind))
        if found is None and (self._asked is None or self._clock.monotonic() - self._asked > PATIENCE):
            self._asked = self._clock.monotonic()
            self._known = (await discover(self._client)).by_kind()
            found = self._known.get((api_version, kind))
        return found

    async def find_in_group(self, api_version: str, kind: str) -> Resource | None:
        """The same, in whatever version the group has it where the given one is not served."""
        found = await self.find(api_version, kind)
        if found is not None:
            return found
        group = api_version.rpartition("/")[0]
        served = (*BUILT_IN, *self._known.values())
        return next((each for each in served if (each.group, each.kind) == (group, kind)), None)


async def served(client: Client, group: str, kind: str) -> Resource | None:
    """A resource that not every server has, in the version that this one prefers; None if it has none."""
    found = (await discover(client)).preferred()
    return next((each.resource for each in found if (each.resource.group, each.resource.kind) == (group, kind)), None)


async def served_plural(client: Client, group: str, plural: str) -> Resource | None:
    """The same by its plural."""
    found = (await discover(client)).preferred()
    return next((r.resource for r in found if (r.resource.group, r.resource.plural) == (group, plural)), None)
