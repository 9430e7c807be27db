"""Which resource the names in a quota are about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cloudk8s.client.interface import Resource
from cloudk8s.client.resources import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    REPLICATION_CONTROLLERS,
    RESOURCE_CLAIMS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICES,
)

_BY_NAME: Final = {
    **dict.fromkeys(("pods", "cpu", "memory", "ephemeral-storage"), PODS),
    **dict.fromkeys(("services", "services.nodeports", "services.loadbalancers"), SERVICES),
    **dict.fromkeys(("persistentvolumeclaims", "requests.storage"), PERSISTENT_VOLUME_CLAIMS),
    "configmaps": CONFIG_MAPS,
    "secrets": SECRETS,
    "replicationcontrollers": REPLICATION_CONTROLLERS,
    "resourcequotas": RESOURCE_QUOTAS,
}
_DEVICES: Final = ".deviceclass.resource.k8s.io/devices"
_CLASSES: Final = (".storageclass.storage.k8s.io/", ".volumeattributesclass.storage.k8s.io/")


def resource_of(name: str, served: Iterable[Resource]) -> Resource | None:
    """The resource that a quota name counts; None if nothing does. `served` are looked through for `count/` names."""
    if name.startswith("count/"):
        plural, _, group = name.removeprefix("count/").partition(".")
        return next((item for item in served if (item.plural, item.group) == (plural, group)), None)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if any(part in name for part in _CLASSES):
        return PERSISTENT_VOLUME_CLAIMS
    if name.endswith(_DEVICES):
        return RESOURCE_CLAIMS
    if name.startswith(("requests.", "limits.", "hugepages-")):
        return PODS
    return None
