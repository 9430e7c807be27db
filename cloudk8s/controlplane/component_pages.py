"""What the controllers and the scheduler tell about themselves, alone or in the cluster's process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cloudk8s.client.interface import Object
from cloudk8s.controlplane.controller_configuration import ControllerConfiguration
from cloudk8s.controlplane.diagnostics.health import Checks, Health
from cloudk8s.controlplane.diagnostics.pages import Component
from cloudk8s.machinery.exposition import Family
from cloudk8s.machinery.instruments import Instruments

if TYPE_CHECKING:
    from cloudk8s.scheduler.configuration.model import SchedulerConfiguration

CONTROLLERS: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def of_controllers(
    configuration: ControllerConfiguration,
    states: Mapping[str, str],
    instruments: Instruments,
    *,
    led: Checks = dict,
) -> Component:
    """`states` are those of `run_controllers`."""
    return Component(
        CONTROLLERS,
        "kubecontrollermanager.config.k8s.io",
        configuration.shown,
        Health(healthz=running(led, states), readyz=led),
        instruments,
        configuration.flags,
    )


def running(led: Checks, states: Mapping[str, str]) -> Checks:
    """Who leads, and each controller that has started (`states` are those of `run_controllers`), as checks."""
    return lambda: {**led(), **{name: partial(states.__getitem__, name) for name in states}}


def of_scheduler(
    configuration: SchedulerConfiguration,
    pods: Callable[[], Sequence[Object]],
    is_ready: Callable[[], bool],
    instruments: Instruments,
    *,
    led: Checks = dict,
    flags: Mapping[str, str] = _NONE,
) -> Component:
    """`pods` are all of the cluster; it is ready once it has read them, or while it waits for its turn."""

    def synced() -> str:
        return "" if is_ready() else "waiting for handlers to sync"

    def requested() -> Iterable[Family]:
        from cloudk8s.scheduler.resource_page import families

        return families(pods())

    return Component(
        SCHEDULER,
        "componentconfig",
        lambda: configuration.model_dump(mode="json", by_alias=True),
        Health(healthz=led, readyz=lambda: {**led(), "sched-handler-sync": synced}),
        instruments,
        flags,
        more_pages={"/metrics/resources": requested},
    )
