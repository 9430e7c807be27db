"""The admission plugins in their order, and which of them a write concerns."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.measures import Measures

if TYPE_CHECKING:
    from cloudk8s.apiserver.core import Core


class AdmissionChain:
    """Calls the plugins; which ones a combination concerns is worked out once."""

    def __init__(self, plugins: Sequence[AdmissionPlugin]) -> None:
        self.plugins = tuple(plugins)
        self._admitting: dict[tuple[ResourceType, str, str], tuple[AdmissionPlugin, ...]] = {}
        self._seconds = Measures().admission
        self._validating: dict[tuple[ResourceType, str, str], tuple[AdmissionPlugin, ...]] = {}

    def attach(self, core: Core) -> None:
        """Give every plugin its core; called once, before the first request."""
        self._seconds = core.measures.admission
        for plugin in self.plugins:
            plugin.attach(core)

    async def admit(self, request: AdmissionRequest) -> None:
        """Let every interested plugin change or refuse the object, in order."""
        started, rejected = perf_counter(), "true"
        try:
            for plugin in self._interested(self._admitting, "admit", request):
                pending = plugin.admit(request)
                if pending is not None:
                    await pending
            rejected = "false"
        finally:
            self._seconds.of(request.operation, rejected, "admit").observe(perf_counter() - started)

    async def validate(self, request: AdmissionRequest) -> None:
        """Let every interested plugin refuse the final object, in order."""
        started, rejected = perf_counter(), "true"
        try:
            for plugin in self._interested(self._validating, "validate", request):
                pending = plugin.validate(request)
                if pending is not None:
                    await pending
            rejected = "false"
        finally:
            self._seconds.of(request.operation, rejected, "validate").observe(perf_counter() - started)

    def _interested(
        self,
        cache: dict[tuple[ResourceType, str, str], tuple[AdmissionPlugin, ...]],
        method: str,
        request: AdmissionRequest,
    ) -> tuple[AdmissionPlugin, ...]:
        operation: Operation = request.operation
        key = (request.resource, request.subresource, operation)
        found = cache.get(key)
        if found is None:
            found = tuple(
                plugin
                for plugin in self.plugins
                if getattr(type(plugin), method) is not getattr(AdmissionPlugin, method)
                and plugin.interested(request.resource, request.subresource, operation)
            )
            cache[key] = found
        return found
