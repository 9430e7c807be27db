"""Which cloud a node or a Service belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, spec_of
from cloudk8s.cloud.calls import Calls
from cloudk8s.cloud.interface import Instances, LoadBalancers, Routes
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.errors import SettingsError, Unsupported

CLOUD_ANNOTATION = "cloudk8s.io/cloud"
"""On a Service: the name of the cloud that shall balance it."""


@dataclass(frozen=True, slots=True)
class CloudController:
    """A controller that a provider brings along. `make` gets the context, and the calls of its cloud."""

    name: str
    make: Callable[[ControllerContext, Calls], Controller]


@dataclass(frozen=True, slots=True)
class AttachedCloud:
    """A configured cloud with the contracts that its provider offers."""

    name: str
    provider: str
    """Also the scheme of its providerIDs."""
    calls: Calls
    instances: Instances | None = None
    routes: Routes | None = None
    load_balancers: LoadBalancers | None = None
    controllers: tuple[CloudController, ...] = ()
    """What the provider brings along beside the contracts."""


def close(cloud: AttachedCloud) -> None:
    """Let go of what the contracts hold in this process (a contract may have `close`, and need not). Blocks."""
    for contract in (cloud.instances, cloud.routes, cloud.load_balancers):
        if (closing := getattr(contract, "close", None)) is not None:
            closing()


class CloudDirectory:
    """The clouds of one cluster. The first that can is the default, unless one is named."""

    def __init__(self, clouds: Sequence[AttachedCloud], *, default: str = "") -> None:
        names = [cloud.name for cloud in clouds]
        if len(set(names)) < len(names):
            raise SettingsError(f"two clouds have one name: {', '.join(names)}")
        if default and default not in names:
            raise SettingsError(f"the default cloud {default!r} is not configured; there is {', '.join(names)}")
        self.clouds = tuple(sorted(clouds, key=lambda cloud: cloud.name != default)) if default else tuple(clouds)

    def for_node(self, provider_id: str) -> tuple[AttachedCloud, ...]:
        """The clouds to ask about a node: those of its providerID's scheme, or all while it has none."""
        able = (cloud for cloud in self.clouds if cloud.instances is not None)
        if not provider_id:
            return tuple(able)
        scheme, separator, _ = provider_id.partition("://")
        return tuple(cloud for cloud in able if not separator or cloud.provider == scheme)

    def for_service(self, service: Object) -> AttachedCloud | None:
        """The cloud that balances a Service: by class, by annotation, else the default; None where it is not ours.

        Raises Unsupported for an annotation that names no cloud.
        """
        able = [cloud for cloud in self.clouds if cloud.load_balancers is not None]
        if wanted := str(spec_of(service).get("loadBalancerClass") or ""):
            return next((cloud for cloud in able if _serves(cloud, wanted)), None)
        if named := annotations_of(service).get(CLOUD_ANNOTATION):
            if found := next((cloud for cloud in able if cloud.name == named), None):
                return found
            known = ", ".join(cloud.name for cloud in able) or "none"
            message = f"cloud {named!r} has no load balancers here (clouds: {known})"
            raise Unsupported(f"metadata.annotations[{CLOUD_ANNOTATION}]", message)
        return able[0] if able else None

    def get(self, name: str) -> AttachedCloud | None:
        """A cloud by its name."""
        return next((cloud for cloud in self.clouds if cloud.name == name), None)


def _serves(cloud: AttachedCloud, wanted: str) -> bool:
    assert cloud.load_balancers is not None
    return wanted == cloud.name or wanted in cloud.load_balancers.capabilities.classes
