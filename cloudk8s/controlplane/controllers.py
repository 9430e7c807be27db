"""The controllers of the controller manager, in the API server's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.component_pages import of_controllers
from cloudk8s.controlplane.controller_configuration import ControllerConfiguration
from cloudk8s.controlplane.diagnostics.serving import diagnosed
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.extensions import all_controllers
from cloudk8s.machinery.clock import Clock

IDENTITY = "system:kube-controller-manager"


@asynccontextmanager
async def running_controllers(
    server: RunningApiServer, selection: Sequence[str], *, clock: Clock, changes: Mapping[str, Any] | None = None,
    on_node: Callable[[Sequence[str]], list[str]] = list, port: int = 0,
) -> AsyncIterator[ControllerContext]:  # fmt: skip
    """Run the selected controllers, with one set of informers for all of them; `changes` are settings of theirs.

    With a `port` their health and metrics are served there.
    """
    client = server.client(IDENTITY, "system:masters")
    events = EventRecorder(client, "kube-controller-manager", clock=clock)
    informers = Informers(client, clock=clock)
    options = _options(server).model_copy(update=dict(changes or {}))
    context = ControllerContext(client, informers, events, clock, server.settings, options, on_node=on_node)
    states: dict[str, str] = {}
    registrations = all_controllers(server.plugins).select(selection)
    loops = background(run_controllers(context, registrations, states), events.run(), names=("controllers", "events"))
    serving = ServingSettings(secure_port=port)
    configuration = ControllerConfiguration(options, server.settings, serving)
    component = of_controllers(configuration, states, context.instruments)
    pages = diagnosed(component, serving, client, clock=clock)
    async with pages, informers, loops:
        yield context


def _options(server: RunningApiServer) -> ControllerSettings:
    """The keys and certificates of the cluster; on other hosts they come as files."""
    pki = server.pki
    return ControllerSettings(
        root_ca=pki.ca.certificate.read_text(),
        service_account_key=pki.service_account_key.read_text(),
        cluster_signing_certificate=pki.ca.certificate.read_text(),
        cluster_signing_key=pki.ca.key.read_text(),
    )
