"""Records to answers: the object, a Table, its metadata; JSON or YAML; other versions of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import quoted
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.encoding import list_head, stored_list, type_prefix
from cloudk8s.apiserver.http.interface import Body, Response, joined
from cloudk8s.apiserver.negotiation import YAML, Format
from cloudk8s.apiserver.operations.listing import Page
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.storage.interface import Record

_INCLUDES: Final = frozenset({"", "Metadata", "Object", "None"})
_NO_TABLE: Final = "Unable to convert to Table as requested"


class Presenter:
    """Turns records into bodies; knows which versions need a conversion."""

    def __init__(self, core: Core, *, printer: Any) -> None:
        self._core = core
        self._printer = printer

    def is_stored_form(self, resource: ResourceType) -> bool:
        """Whether stored bytes are this resource's own version."""
        if resource.custom is not None:
            return False
        return resource.storage_version in ("", resource.version) and resource.storage_group in ("", resource.group)

    def tree(self, resource: ResourceType, record: Record) -> Object:
        """The object in the resource's version; shared, read-only."""
        return self._core.view(resource, record)

    def value(self, resource: ResourceType, record: Record) -> bytes:
        """The object's JSON in the resource's version."""
        return record.value if self.is_stored_form(resource) else codec.encode(self.tree(resource, record))

    def one(
        self, resource: ResourceType, record: Record, form: Format, status: int = 200, *, include: str = ""
    ) -> Response:
        """One object as asked for; `include` is what rows of a table carry."""
        if form.is_plain:
            return self._plain(resource, record, status)
        tree = self.tree(resource, record)
        if form.form == "table":
            revision = tree["metadata"].get("resourceVersion")  # what a dry run has made has none
            metadata = {"resourceVersion": revision} if revision else {}
            tree = self.table(resource, [tree], form, metadata, include)
        elif form.form == "metadata":
            tree = partial_metadata(tree, form)
        return document(tree, form, status)

    def _plain(self, resource: ResourceType, record: Record, status: int) -> Response:
        if not self.is_stored_form(resource):
            return Response(status, codec.encode(self.tree(resource, record)))
        response = Response(status, record.value)
        response.tree = record.memo
        return response

    def page(self, resource: ResourceType, page: Page, form: Format, include: str = "") -> Response:
        """A collection as asked for."""
        metadata: dict[str, Any] = {"resourceVersion": str(page.revision)}
        if page.continue_token or (resource.custom is not None and form.is_plain):
            metadata["continue"] = page.continue_token
        if page.remaining:
            metadata["remainingItemCount"] = page.remaining
        if form.is_plain:
            return Response(200, self._joined(resource, page.records, metadata))
        trees = [self.tree(resource, record) for record in page.records]
        if form.form == "table":
            return document(self.table(resource, trees, form, metadata, include), form)
        if form.form == "metadata":
            items = [partial_metadata(tree, form) for tree in trees] or None
            api_version = f"meta.k8s.io/{form.meta_version}"
            kind = "PartialObjectMetadataList"
            return document({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}, form)
        return document(codec.decode(joined(self._joined(resource, page.records, metadata))), form)

    def table(
        self, resource: ResourceType, trees: Sequence[Object], form: Format, metadata: Mapping[str, Any],
        include: str = "", *, with_columns: bool = True,
    ) -> Object:  # fmt: skip
        """Objects as a meta.k8s.io Table."""
        check_include(include)
        table: Object = self._printer.table(resource, trees, include=include or "Metadata", version=form.meta_version)
        table["metadata"] = dict(metadata)
        if not with_columns:
            table["columnDefinitions"] = None
        return table

    def _joined(self, resource: ResourceType, records: Sequence[Record], metadata: Mapping[str, Any]) -> Body:
        """Stored bytes in one list document; items of built-in kinds carry no type, as upstream sends them."""
        head = list_head(resource, metadata)
        if not records:
            return head + b"]}"
        if resource.custom is not None:
            values = [self.value(resource, record) for record in records]
        elif self.is_stored_form(resource):
            return stored_list(head, records, cut=len(type_prefix(resource.kind, resource.api_version)))
        else:
            trees = (self.tree(resource, record) for record in records)
            values = [
                codec.encode({k: v for k, v in tree.items() if k not in ("kind", "apiVersion")}) for tree in trees
            ]
        return [head, b",".join(values), b"]}"]


def check_include(include: str) -> None:
    """Raise BadRequest for what rows of a table cannot carry."""
    if include not in _INCLUDES:
        text = "must be 'Metadata', 'Object', 'None', or empty"
        raise BadRequest(f"{_NO_TABLE}: includeObject: Invalid value: {quoted(include)}: {text}")


def partial_metadata(tree: Object, form: Format) -> Object:
    """PartialObjectMetadata of an object."""
    kind, api_version = "PartialObjectMetadata", f"meta.k8s.io/{form.meta_version}"
    return {"kind": kind, "apiVersion": api_version, "metadata": tree["metadata"]}


def document(tree: Any, form: Format, status: int = 200) -> Response:
    """Any tree in the negotiated media type."""
    if form.media_type == YAML:
        return Response(status, yaml_codec.encode(tree), YAML)
    return Response(status, codec.encode(tree))
