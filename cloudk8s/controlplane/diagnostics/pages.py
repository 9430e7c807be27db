"""The pages of one component."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cloudk8s.apiserver.endpoints import version_info
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.controlplane.diagnostics import zpages
from cloudk8s.controlplane.diagnostics.health import Health
from cloudk8s.controlplane.diagnostics.zpages import Status
from cloudk8s.errors import MethodNotAllowed, NotFound
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.exposition import CONTENT_TYPE, Family, page
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.settings import KUBERNETES_VERSION

_VERSION: Final = KUBERNETES_VERSION


@dataclass(frozen=True, slots=True)
class Component:
    """What the pages are about."""

    name: str
    """Upstream's: `kube-scheduler`."""
    config_group: str
    """The key of its settings on `/configz`."""
    config: Callable[[], Mapping[str, Any]]
    health: Health = field(default_factory=Health)
    instruments: Instruments = field(default_factory=Instruments)
    flags: Mapping[str, str] = field(default_factory=dict)
    more_metrics: Callable[[], bytes] = bytes
    """Text of metrics that are kept elsewhere; made off the loop."""
    more_pages: Mapping[str, Callable[[], Iterable[Family]]] = field(default_factory=dict)
    """Further pages of metrics, by path; made off the loop."""
    kubernetes_version: str = _VERSION


class Pages:
    """Answers by path."""

    def __init__(self, component: Component, *, clock: Clock) -> None:
        self._component, self._clock, self._started = component, clock, clock.now()
        self._pages: Mapping[str, Callable[[Request], Any]] = {
            "/metrics": self._metrics,
            "/metrics/slis": self._objectives,
            "/configz": self._config,
            "/statusz": self._status,
            **{path: partial(self._more, made) for path, made in component.more_pages.items()},
            "/flagz": lambda request: zpages.flagz(request, component.name, component.flags),
        }

    def __call__(self, request: Request) -> Any:
        """The answer, or what to await for it. Raises StatusError."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{request.path} can only be read")
        if found := self._component.health.answer(request):
            return found
        if request.path in self._pages:
            return self._pages[request.path](request)
        raise NotFound("the server could not find the requested resource")

    @property
    def paths(self) -> list[str]:
        """Every path that is answered."""
        return sorted([*self._pages, *self._component.health.paths()])

    async def _metrics(self, request: Request) -> Response:
        families = [*self._component.instruments.families(), _build_info(self._component.kubernetes_version)]
        body = await asyncio.to_thread(self._text, families)
        return Response(200, body, CONTENT_TYPE)

    def _text(self, families: Iterable[Family]) -> bytes:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        return page(families).encode() + self._component.more_metrics() + generate_latest(registry)

    async def _more(self, made: Callable[[], Iterable[Family]], request: Request) -> Response:
        body = await asyncio.to_thread(lambda: page(made()).encode())
        return Response(200, body, CONTENT_TYPE)

    def _objectives(self, request: Request) -> Response:
        return Response(200, page(self._component.health.families()).encode(), CONTENT_TYPE)

    def _config(self, request: Request) -> Response:
        return Response(200, codec.encode({self._component.config_group: self._component.config()}))

    def _status(self, request: Request) -> Response:
        component = self._component
        status = Status(component.name, component.kubernetes_version, self._started, self.paths)
        return zpages.statusz(request, status, self._clock.now())


def _build_info(version: str) -> Family:
    info = version_info(version)
    names = {
        "build_date": "buildDate", "compiler": "compiler", "git_commit": "gitCommit",
        "git_tree_state": "gitTreeState", "git_version": "gitVersion", "go_version": "goVersion", "major": "major",
        "minor": "minor", "platform": "platform",
    }  # fmt: skip
    words = "A metric with a constant '1' value labeled by what was built."
    family = Family("kubernetes_build_info", "gauge", words, "ALPHA")
    family.add({label: info[key] for label, key in names.items()}, 1)
    return family
