"""GET of custom and external metrics.

/apis/custom.metrics.k8s.io/V/namespaces/NS/pods/*/METRIC?labelSelector=…    of all pods that are selected
/apis/custom.metrics.k8s.io/V/namespaces/NS/services/NAME/METRIC             of one object
/apis/custom.metrics.k8s.io/V/namespaces/NS/metrics/METRIC                   of a namespace
/apis/external.metrics.k8s.io/V/namespaces/NS/METRIC?labelSelector=…
"""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.api.custom_metrics.documents import external_values, metric_values
from cloudk8s.api.custom_metrics.source import CustomMetricsSource
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.operations.listing import PageRequest, read_page
from cloudk8s.apiserver.operations.selection import select
from cloudk8s.apiserver.presenting import document
from cloudk8s.errors import BadRequest, NotFound
from cloudk8s.machinery import labels
from cloudk8s.machinery.quantity import Quantity


class CustomMetricsHandler:
    """Answers for objects of any kind."""

    def __init__(self, core: Core, source: CustomMetricsSource) -> None:
        self._core, self._source = core, source

    def handle(self, context: RequestContext, request: Request, verb: str) -> Answer:
        """Look the objects up, and what they measure."""
        info = context.info
        if verb not in ("get", "list"):
            raise failures.method_not_allowed()
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        if info.resource == "metrics" and info.name and not info.subresource:
            metric, objects = info.name, self._objects("namespaces", info.namespace, context)
        elif info.name and info.subresource:
            metric, objects = info.subresource, self._objects(info.resource, info.name, context)
        else:
            raise failures.no_such_path()
        found = list(self._values(objects, metric))
        if not found:
            raise _unknown(metric, info.resource, "" if info.name == "*" else info.name)
        return document(metric_values(info.version, metric, found, self._core.clock.now()), form)

    def _values(self, objects: Iterator[Object], metric: str) -> Iterator[tuple[Object, Quantity]]:
        for obj in objects:
            if (value := self._source.of_object(obj, metric)) is not None:
                yield obj, value

    def _objects(self, resource_name: str, name: str, context: RequestContext) -> Iterator[Object]:
        plural, _, group = resource_name.partition(".")
        versions = self._core.registry.versions_of(group, plural)
        if not versions or versions[0].is_virtual:
            raise _unknown(context.info.subresource or name, resource_name, name)
        resource, namespace = versions[0], context.info.namespace
        if name == "*":
            yield from self._selected(resource, namespace, context)
        elif (obj := self._core.find(group, plural, name, namespace if resource.namespaced else "")) is not None:
            yield obj

    def _selected(self, resource: ResourceType, namespace: str, context: RequestContext) -> Iterator[Object]:
        selection = select(self._core, resource, context.query.get("labelSelector"), "")
        for record in read_page(self._core, resource, namespace, selection, PageRequest()).records:
            yield self._core.tree(record)


class ExternalMetricsHandler:
    """Answers for metrics of the world outside."""

    def __init__(self, core: Core, source: CustomMetricsSource) -> None:
        self._core, self._source = core, source

    def handle(self, context: RequestContext, request: Request, verb: str) -> Answer:
        """All values that the selector selects."""
        info = context.info
        if verb not in ("get", "list") or info.name:
            raise failures.method_not_allowed() if verb not in ("get", "list") else failures.no_such_path()
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        try:
            selector = labels.parse(context.query.get("labelSelector"))
        except ValueError as error:
            raise BadRequest(str(error)) from None
        found = self._source.external(info.namespace, info.resource)
        if not found:
            raise _unknown(info.resource, "", "")
        kept = [item for item in found if selector.matches(item.labels)]
        return document(external_values(info.resource, kept, self._core.clock.now()), form)


def _unknown(metric: str, resource: str, name: str) -> NotFound:
    """In the words of upstream's adapters."""
    if not resource:
        return NotFound(f"the server could not find the metric {metric}")
    where = f"{resource} {name}" if name else resource
    return NotFound(f"the server could not find the metric {metric} for {where}")
