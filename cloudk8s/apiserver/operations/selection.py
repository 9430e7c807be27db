"""Which objects of a collection a request is about: label and field selectors, checked and compiled."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.encoding import Attributes
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import fields, labels

_COMMON = frozenset({"metadata.name", "metadata.namespace"})


@dataclass(frozen=True, slots=True)
class Selection:
    """A compiled selection; `name` is set where the field selector chooses one object."""

    labels: labels.Selector
    fields: fields.Selector
    name: str = ""

    @property
    def is_everything(self) -> bool:
        return self.labels.is_everything and self.fields.is_everything

    def matches(self, attributes: Attributes) -> bool:
        return self.labels.matches(attributes.labels) and self.fields.matches(attributes.fields)


EVERYTHING = Selection(labels.parse(""), fields.parse(""))


def select(core: Core, resource: ResourceType, label_selector: str, field_selector: str) -> Selection:
    """Compile both selectors; BadRequest in upstream's words for a selector that makes no sense."""
    if not label_selector and not field_selector:
        return EVERYTHING
    try:
        by_label = labels.parse(label_selector)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    try:
        by_field = fields.parse(field_selector)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    _check_fields(core, resource, by_field)
    if renames := core.strategy(resource).field_labels:
        by_field = by_field.renamed(renames)
    return Selection(by_label, by_field, by_field.exact("metadata.name") or "")


def _check_fields(core: Core, resource: ResourceType, selector: fields.Selector) -> None:
    """Refuse a field that the kind cannot be selected by."""
    strategy = core.strategy(resource)
    known = strategy.selectable_field_names
    for name in selector.fields:
        if name in _COMMON or name in known:
            continue
        if known:
            raise BadRequest(strategy.unknown_field(name))
        raise BadRequest(f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"')
