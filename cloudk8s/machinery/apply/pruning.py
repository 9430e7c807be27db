"""Which fields go when a manager no longer applies them: those it applied before that nobody else owns."""

from __future__ import annotations

from typing import Any, NamedTuple

from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.fieldset import FieldSet
from cloudk8s.machinery.apply.managed_fields import Entry, Managers
from cloudk8s.machinery.apply.type import ABSENT, Type
from cloudk8s.machinery.apply.views import Views


class Pruned(NamedTuple):
    """An object after pruning, twice."""

    object: dict[str, Any]
    """Fields that lost all they held are gone."""
    compared: dict[str, Any]
    """They are null, so that whoever owns them as such goes on to."""


def pruned(views: Views, merged: dict[str, Any], managers: Managers, current: Entry, last: Entry | None) -> Pruned:
    """The merged object without what `last` set, `current` does not, and no manager owns.

    `managers` already holds `current`. Follows `prune` of structured-merge-diff's `merge.Updater`.
    """
    if last is None or not fieldset.difference(last.fields, current.fields):
        return Pruned(merged, merged)
    type = views.type_in(last.api_version)
    if type is None:
        return Pruned(merged, merged)
    seen = views.convert(merged, last.api_version)
    rest = _removed(type, seen, type.named(last.fields))
    rest = _with_owned(views, seen, rest, managers, last.api_version)
    gone = _dangling(type, seen, views.convert(rest, last.api_version), last)
    results = (_removed(type, seen, gone, emptied) for emptied in (ABSENT, None))
    return Pruned(*(views.convert(result, current.api_version) for result in results))


def _with_owned(
    views: Views, merged: dict[str, Any], rest: dict[str, Any], managers: Managers, first: str
) -> dict[str, Any]:
    """Put back what any manager owns; in the version of the last apply first, which every conversion can start from."""
    owned: dict[str, FieldSet] = {first: {}}
    for entry in managers.values():
        owned[entry.api_version] = fieldset.union(owned.get(entry.api_version, {}), entry.fields)
    for api_version in [first, *sorted(owned.keys() - {first})]:
        type = views.type_in(api_version)
        if type is None:
            continue
        merged, rest = views.convert(merged, api_version), views.convert(rest, api_version)
        kept = fieldset.union(_named_fields(type, rest), type.named(owned[api_version]))
        rest = _removed(type, merged, fieldset.difference(_named_fields(type, merged), kept))
    return rest


def _dangling(type: Type, merged: dict[str, Any], rest: dict[str, Any], last: Entry) -> FieldSet:
    """What is to go in the end: nothing that went along without ever having been applied by this manager."""
    gone = fieldset.difference(_named_fields(type, merged), _named_fields(type, rest))
    return fieldset.intersection(gone, type.named(last.fields))


def _named_fields(type: Type, obj: dict[str, Any]) -> FieldSet:
    return type.named(type.applied(obj) or {})


def _removed(type: Type, obj: dict[str, Any], fields: FieldSet, emptied: Any = None) -> dict[str, Any]:
    rest: Any = type.remove(obj, fields, emptied)
    return {} if rest is ABSENT else rest
