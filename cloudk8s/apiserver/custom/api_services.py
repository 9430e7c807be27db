"""One APIService for each group and version that definitions add, as long as one of them serves it."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.bootstrap.api_services import api_service, available
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.delete import DeleteOptions, delete
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import format_time

_LABEL: Final = "kube-aggregator.kubernetes.io/automanaged"
_KEPT: Final = "true"
"""The label's value on those that come and go with definitions."""
_GROUP_PRIORITY, _VERSION_PRIORITY = 1000, 100
GroupVersion = tuple[str, str]


class CustomApiServices:
    """Follows what the registry serves; `settle` is called whenever that may have changed."""

    def __init__(self, core: Core) -> None:
        self._writer = Writer(core)
        self._core = core
        self._present: set[GroupVersion] | None = None

    async def settle(self) -> None:
        """Make what is missing and remove what nothing serves any more; does nothing where nothing changed."""
        wanted = {(one.group, one.version) for versions in self._core.registry.custom.values() for one in versions}
        if self._present is None:
            self._present = self._stored()
        for group_version in sorted(wanted - self._present):
            await self._make(group_version)
            self._present.add(group_version)
        for group_version in sorted(self._present - wanted):
            await self._remove(group_version)
            self._present.discard(group_version)

    def _stored(self) -> set[GroupVersion]:
        services = self._core.all("apiregistration.k8s.io", "apiservices")
        return {(one["spec"]["group"], one["spec"]["version"]) for one in services if _is_ours(one)}

    async def _make(self, group_version: GroupVersion) -> None:
        """Make it; one of that name that somebody else made stays theirs."""
        service = api_service(*group_version, _GROUP_PRIORITY, _VERSION_PRIORITY, kept=_KEPT)
        if await self._writer.ensure(service):
            condition = available(format_time(self._core.clock.now()))
            await self._writer.change(service, lambda live: live | {"status": {"conditions": [condition]}}, "status")

    async def _remove(self, group_version: GroupVersion) -> None:
        group, version = group_version
        name, resource = f"{version}.{group}", self._core.resource("apiregistration.k8s.io", "apiservices")
        live = self._core.find("apiregistration.k8s.io", "apiservices", name)
        if live is not None and _is_ours(live):
            with suppress(NotFound):
                await delete(self._core, self._writer.context(), resource, "", name, DeleteOptions())


def _is_ours(service: Object) -> bool:
    return (service["metadata"].get("labels") or {}).get(_LABEL) == _KEPT
