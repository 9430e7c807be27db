"""Whose slices are whose, by their labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, namespace_of

MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"
SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGER: Final = "endpointslice-controller.k8s.io"
MIRROR: Final = "endpointslicemirroring-controller.k8s.io"
BY_SERVICE: Final = "service"
BY_MIRRORED: Final = "mirrored endpoints"


def service_of_slice(item: Object) -> Iterable[str]:
    """Index function: the Service whose pods a slice lists."""
    return _named(item, MANAGER)


def mirrored(item: Object) -> Iterable[str]:
    """Index function: the Endpoints that a slice mirrors."""
    return _named(item, MIRROR)


def _named(item: Object, manager: str) -> Iterable[str]:
    labels = labels_of(item)
    if labels.get(MANAGED_BY) != manager or SERVICE_NAME not in labels:
        return ()
    return (f"{namespace_of(item)}/{labels[SERVICE_NAME]}",)
