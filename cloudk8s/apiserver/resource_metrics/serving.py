"""Make a server answer `metrics.k8s.io`: types, handlers, and what upstream's add-on brings along."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.api.resource_metrics.types import GROUP, VERSION, resource_types
from cloudk8s.api.resource_metrics.usage import UsageSource
from cloudk8s.apiserver.bootstrap.api_services import available
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.dispatch import Dispatcher
from cloudk8s.apiserver.presenting import Presenter
from cloudk8s.apiserver.resource_metrics.handler import MetricsHandler, measured_nodes, measured_pods
from cloudk8s.machinery.times import format_time

_AGGREGATE: Final = ("admin", "edit", "view")


async def serve_resource_metrics(core: Core, presenter: Presenter, dispatcher: Dispatcher, source: UsageSource) -> None:
    """Answer requests from `source` from now on, and tell clients so in discovery."""
    resources = resource_types(core.registry.definitions)
    for resource in resources:
        measured = measured_pods(source) if resource.namespaced else measured_nodes(source)
        dispatcher.add_virtual(resource, MetricsHandler(core, presenter, measured))
    core.registry.serve_extension(GROUP, resources)
    await _describe(Writer(core))


async def _describe(writer: Writer) -> None:
    """The role that lets users read metrics, and the APIService; what somebody changed stays."""
    await writer.ensure(reader_role())
    if await writer.ensure(api_service()):
        condition = available(format_time(writer.core.clock.now()))
        await writer.change(api_service(), lambda live: live | {"status": {"conditions": [condition]}}, "status")


def reader_role() -> Object:
    """Whoever may view, edit or administer a namespace may see what its pods use."""
    labels = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in _AGGREGATE}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:aggregated-metrics-reader", "labels": {"k8s-app": "metrics-server", **labels}},
        "rules": [{"apiGroups": [GROUP], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}],
    }


def api_service() -> Object:
    """The APIService of upstream's add-on, without a Service behind it: this server answers itself."""
    spec = {"group": GROUP, "version": VERSION, "groupPriorityMinimum": 100, "versionPriority": 100}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{GROUP}", "labels": {"k8s-app": "metrics-server"}},
        "spec": spec,
    }
