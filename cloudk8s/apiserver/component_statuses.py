"""ComponentStatuses: what `kubectl get cs` shows of the parts behind the API.

Only the store is listed: the scheduler and the controllers may run anywhere, and their state is theirs to report.
"""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import Format, negotiate
from cloudk8s.apiserver.presenting import Presenter, document, partial_metadata
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import labels

_STORE: Final[Object] = {
    "metadata": {"name": "etcd-0", "creationTimestamp": None},
    "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
}


class ComponentStatusHandler:
    """GET of all and of one."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def handle(self, context: RequestContext, request: Request, resource: ResourceType, verb: str) -> Answer:
        """Answer a request for a ComponentStatus or their list."""
        form, name = negotiate(context.headers.get("accept", "")), context.info.name
        head: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
        if verb == "list":
            items = [_STORE] if _selects(context.query.get("labelSelector")) else []
            return document(self._list(resource, items, form), form)
        if name != _STORE["metadata"]["name"]:
            raise failures.not_found(resource, name)
        if form.form == "table":
            return document(self._presenter.table(resource, [head | _STORE], form, {}), form)
        return document(partial_metadata(_STORE, form) if form.form == "metadata" else head | _STORE, form)

    def _list(self, resource: ResourceType, items: list[Object], form: Format) -> Object:
        if form.form == "table":
            head = {"kind": resource.kind, "apiVersion": resource.api_version}
            return self._presenter.table(resource, [head | item for item in items], form, {})
        shown = [partial_metadata(item, form) for item in items] if form.form == "metadata" else items
        kind, version = resource.list_kind, resource.api_version
        if form.form == "metadata":
            kind, version = "PartialObjectMetadataList", f"meta.k8s.io/{form.meta_version}"
        return {"kind": kind, "apiVersion": version, "metadata": {}, "items": shown}


def _selects(selector: str) -> bool:
    """Whether what has no labels is selected; BadRequest for a selector that makes no sense."""
    try:
        return labels.parse(selector).matches({})
    except ValueError as error:
        raise BadRequest(str(error)) from None
