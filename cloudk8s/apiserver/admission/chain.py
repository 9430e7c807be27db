"""The admission plugins in their order, and which of them a write concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest

if TYPE_CHECKING:
    from cloudk8s.apiserver.core import Core
    from cloudk8s.machinery.instruments import Histogram

Step = Literal["admit", "validate"]
Call = Callable[[AdmissionRequest], Awaitable[None] | None]


class AdmissionChain:
    """Calls the plugins; which ones a combination concerns is worked out once."""

    _seconds: Histogram

    def __init__(self, plugins: Sequence[AdmissionPlugin]) -> None:
        self.plugins = tuple(plugins)
        self._calls: dict[tuple[Step, ResourceType, str, str], tuple[Call, ...]] = {}

    def attach(self, core: Core) -> None:
        """Give every plugin its core; called once, before the first request."""
        self._seconds = core.measures.admission
        for plugin in self.plugins:
            plugin.attach(core)

    def admit(self, request: AdmissionRequest) -> Awaitable[None]:
        """Let every interested plugin change or refuse the object, in order."""
        return self._run("admit", request)

    def validate(self, request: AdmissionRequest) -> Awaitable[None]:
        """Let every interested plugin refuse the final object, in order."""
        return self._run("validate", request)

    async def _run(self, step: Step, request: AdmissionRequest) -> None:
        started, rejected = perf_counter(), "true"
        try:
            for call in self._concerned(step, request):
                pending = call(request)
                if pending is not None:
                    await pending
            rejected = "false"
        finally:
            self._seconds.of(request.operation, rejected, step).observe(perf_counter() - started)

    def _concerned(self, step: Step, request: AdmissionRequest) -> tuple[Call, ...]:
        key = (step, request.resource, request.subresource, request.operation)
        found = self._calls.get(key)
        if found is None:
            found = self._calls[key] = tuple(
                getattr(plugin, step)
                for plugin in self.plugins
                if getattr(type(plugin), step) is not getattr(AdmissionPlugin, step)
                and plugin.interested(request.resource, request.subresource, request.operation)
            )
        return found
