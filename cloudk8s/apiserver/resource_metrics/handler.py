"""GET of what nodes and pods use: one, or all that a selector selects.

Only what the source knows is listed; asking for one that it does not know is answered with upstream's NotFound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.resource_metrics.documents import node_metrics, pod_metrics
from cloudk8s.api.resource_metrics.usage import Measurement, UsageSource
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.list_options import read_list_options
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import Format, negotiate
from cloudk8s.apiserver.operations.listing import PageRequest, read_page
from cloudk8s.apiserver.operations.selection import select
from cloudk8s.apiserver.presenting import Presenter, document, partial_metadata
from cloudk8s.errors import NotFound
from cloudk8s.storage.interface import Record

_TURN: Final = 500
"""How many objects are looked at before others get their turn."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Where the objects of one metrics resource come from: `plural` of the core group, each with its measurement."""

    plural: str
    measure: Callable[[Object], Measurement | None]
    describe: Callable[[Object, Measurement, datetime], Object]

    def find(self, obj: Object, now: datetime) -> Object | None:
        """The metrics of an object, None while nothing is known."""
        measured = self.measure(obj)
        return None if measured is None else self.describe(obj, measured, now)


def measured_nodes(source: UsageSource) -> Measured:
    return Measured("nodes", source.of_node, node_metrics)


def measured_pods(source: UsageSource) -> Measured:
    """Only running pods use anything."""

    def measure(pod: Object) -> Measurement | None:
        return source.of_pod(pod) if (pod.get("status") or {}).get("phase") == "Running" else None

    return Measured("pods", measure, pod_metrics)


class MetricsHandler:
    """Answers for one of the two resources."""

    def __init__(self, core: Core, presenter: Presenter, measured: Measured) -> None:
        self._core, self._presenter, self._measured = core, presenter, measured
        self._measurable = core.resource("", measured.plural)

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Get or list."""
        form = negotiate(context.headers.get("accept", ""))
        if verb == "get":
            return self._one(context, resource, form)
        return self._all(context, resource, form)

    def _one(self, context: RequestContext, resource: ResourceType, form: Format) -> Answer:
        name, namespace = context.info.name, context.info.namespace
        live = self._core.find("", self._measured.plural, name, namespace)
        if live is None:
            raise failures.not_found(self._measurable, name)
        found = self._measured.find(live, self._core.clock.now())
        if found is None:
            raise _unknown(resource, f"{namespace}/{name}" if namespace else name)
        if form.form == "table":
            return document(self._presenter.table(resource, [found], form, {}, _include(context)), form)
        return document(partial_metadata(found, form) if form.form == "metadata" else found, form)

    async def _all(self, context: RequestContext, resource: ResourceType, form: Format) -> Answer:
        options = read_list_options(context.query, watch=False)
        selection = select(self._core, self._measurable, options.label_selector, options.field_selector)
        page = read_page(self._core, self._measurable, context.info.url_namespace, selection, PageRequest())
        now, found = self._core.clock.now(), []
        for start in range(0, len(page.records), _TURN):
            if start:
                await asyncio.sleep(0)
            found += self._of(page.records[start : start + _TURN], now)
        return document(self._list(context, resource, found, form), form)

    def _of(self, records: Sequence[Record], now: datetime) -> list[Object]:
        """The metrics of these, as far as they are known."""
        looked = (self._measured.find(self._core.tree(record), now) for record in records)
        return [metrics for metrics in looked if metrics is not None]

    def _list(self, context: RequestContext, resource: ResourceType, items: list[Object], form: Format) -> Object:
        if form.form == "table":
            include, with_columns = _include(context), bool(items)
            return self._presenter.table(resource, items, form, {}, include, with_columns=with_columns)
        if form.form == "metadata":
            shown = [partial_metadata(item, form) for item in items]
            kind, version = "PartialObjectMetadataList", f"meta.k8s.io/{form.meta_version}"
            return {"kind": kind, "apiVersion": version, "metadata": {}, "items": shown}
        plain = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
        return {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": {}, "items": plain}


def _include(context: RequestContext) -> str:
    return context.query.get("includeObject")


def _unknown(resource: ResourceType, name: str) -> NotFound:
    """Upstream calls these resources by their kinds here."""
    kind = resource.kind.lower()
    details = {"name": name, "group": resource.group, "kind": kind}
    return NotFound(f'{kind}.{resource.group} "{name}" not found', details=details)
