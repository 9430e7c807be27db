"""Which fields of features that are off an object uses: an update keeps what is in use, as upstream's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from cloudk8s.api.decoding.go_fields import short
from cloudk8s.api.features import FeatureGates
from cloudk8s.machinery.schema import Schema

Used: TypeAlias = Callable[[], frozenset[str]]
"""Tells the fields that are kept although their feature is off, as `core.v1.PodSpec.schedulingGroup`."""


def _nothing() -> frozenset[str]:
    return frozenset()


NOTHING_USED: Final[Used] = _nothing


def used_by(obj: Any, schema: Schema, features: FeatureGates) -> frozenset[str]:
    """The fields of every feature that is off and that a stored object uses somewhere."""
    return features.sharing(_held(obj, schema, features.dropped))


def _held(value: Any, schema: Schema, wanted: frozenset[str]) -> Iterator[str]:
    if value.__class__ is list and schema.items is not None:
        for item in value:
            yield from _held(item, schema.items, wanted)
    elif value.__class__ is dict and schema.properties is not None:
        owner = short(schema.name)
        for key, part in value.items():
            node = schema.properties.get(key)
            if node is not None and part is not None:
                if f"{owner}.{key}" in wanted:
                    yield f"{owner}.{key}"
                yield from _held(part, node, wanted)
    elif value.__class__ is dict and schema.additional is not None:
        for part in value.values():
            yield from _held(part, schema.additional, wanted)
