"""The configured clouds of a cluster: a file, or one provider's name, becomes clouds with their contracts.

clouds:
  - name: prod                 # a Service chooses it by annotation or loadBalancerClass
    provider: aws
    settings: {region: eu-central-1}
  - name: edge
    provider: libcloud
    settings: {driver: openstack, key: me}
controllers:
  cluster: shop
  default_cloud: prod
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloudk8s.cloud.controllers.assembly import attach
from cloudk8s.cloud.directory import AttachedCloud
from cloudk8s.cloud.metrics import CloudMetrics
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock
from cloudk8s.plugin.manager import Plugins


class CloudEntry(BaseModel):
    """One cloud."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What Services and messages call it; unique in the cluster."""
    provider: str
    """Name of the plugin that provides it."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The provider's settings; `cloudk8s provider describe` lists them."""


class CloudsFile(BaseModel):
    """What `--config clouds.yaml` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clouds: tuple[CloudEntry, ...]
    """The first is the default, unless `controllers.default_cloud` names another."""
    controllers: CloudControllerSettings = CloudControllerSettings()
    """How the controllers work."""


def load_clouds(path: Path) -> CloudsFile:
    """Read a file of clouds. Raises SettingsError that names the field."""
    import ryaml

    try:
        value = ryaml.loads(path.read_text())  # type: ignore[attr-defined]
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ryaml.InvalidYamlError as error:  # type: ignore[attr-defined]
        raise SettingsError(f"{path}: {error}") from error
    try:
        return CloudsFile.model_validate(value)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_first(error)}") from error


def attach_clouds(
    plugins: Plugins, entries: Iterable[CloudEntry], controllers: CloudControllerSettings, *, clock: Clock,
    executor: Executor | None = None, metrics: CloudMetrics | None = None,
) -> list[AttachedCloud]:  # fmt: skip
    """Ask each cloud's provider for its contracts. No call to any cloud is made yet."""
    attached = []
    for entry in entries:
        cloud = plugins.cloud(entry.name, entry.provider, entry.settings, cluster=controllers.cluster, clock=clock)
        attached.append(
            attach(
                entry.name, entry.provider, clock=clock, settings=controllers, instances=plugins.instances(cloud),
                routes=plugins.routes(cloud), load_balancers=plugins.load_balancers(cloud), executor=executor,
                metrics=metrics, controllers=plugins.cloud_controllers(cloud),
            )
        )  # fmt: skip
    return attached


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    known = {*CloudsFile.model_fields, *CloudEntry.model_fields, *CloudControllerSettings.model_fields}
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1) if first["type"] == "extra_forbidden" else []
    return f"{place}: {first['msg']}" + (f"; did you mean {near[0]!r}?" if near else "")
