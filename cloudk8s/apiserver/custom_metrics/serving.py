"""Make a server answer the two APIs as long as their source knows any metric."""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.api.custom_metrics.documents import (
    CUSTOM_GROUP,
    CUSTOM_VERSIONS,
    EXTERNAL_GROUP,
    EXTERNAL_VERSION,
    resource_type,
)
from cloudk8s.api.custom_metrics.source import CustomMetricsSource
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.custom_metrics.handlers import CustomMetricsHandler, ExternalMetricsHandler
from cloudk8s.apiserver.dispatch import Dispatcher


def serve_custom_metrics(core: Core, dispatcher: Dispatcher, source: CustomMetricsSource) -> None:
    """Answer requests from `source`; discovery lists the metrics that there are just now."""
    dispatcher.delegate(CUSTOM_GROUP, CustomMetricsHandler(core, source))
    dispatcher.delegate(EXTERNAL_GROUP, ExternalMetricsHandler(core, source))

    def publish() -> None:
        core.registry.serve_extension(CUSTOM_GROUP, _custom(core, source))
        core.registry.serve_extension(EXTERNAL_GROUP, _external(source))

    source.follow(publish)
    publish()


def _custom(core: Core, source: CustomMetricsSource) -> Iterator[ResourceType]:
    for version in CUSTOM_VERSIONS:
        for name, metric in sorted(source.custom_names()):
            plural, _, group = name.partition(".")
            known = core.registry.versions_of(group, plural)
            namespaced = bool(known and known[0].namespaced)
            yield resource_type(CUSTOM_GROUP, version, f"{name}/{metric}", namespaced=namespaced)


def _external(source: CustomMetricsSource) -> Iterator[ResourceType]:
    for metric in sorted(source.external_names()):
        yield resource_type(EXTERNAL_GROUP, EXTERNAL_VERSION, metric)
