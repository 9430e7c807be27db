"""Compare one wanted resource with what is there, and resolve references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudk8s.cloud.stack.interface import Observed, Traits
from cloudk8s.cloud.stack.plan import Change
from cloudk8s.cloud.stack.resource import Ref, Resource
from cloudk8s.machinery.codec import encode_canonical

UNKNOWN: Final = None
"""What a reference resolves to while its target is not made."""

Lookup = Callable[[str], Observed | None]


def resolve(value: Any, lookup: Lookup) -> Any:
    """The value with every reference replaced by what it stands for, UNKNOWN where that is not known yet."""
    if isinstance(value, Ref):
        target = lookup(value.key)
        return UNKNOWN if target is None else target.attribute(value.attribute)
    if isinstance(value, Mapping):
        return {key: resolve(item, lookup) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, lookup) for item in value]
    return value


def changes(resource: Resource, observed: Observed, traits: Traits, lookup: Lookup) -> tuple[Change, ...]:
    """The properties that differ, by name. A property that the observation lacks is not compared."""
    found = []
    for name, value in sorted(resource.properties.items()):
        if name in traits.write_only or name not in observed.properties:
            continue
        desired, present = resolve(value, lookup), observed.properties[name]
        if not _same(desired, present, unordered=name in traits.unordered):
            found.append(Change(name, present, desired))
    return tuple(found)


def _same(desired: Any, present: Any, *, unordered: bool) -> bool:
    if desired == present:
        return True
    if unordered and isinstance(desired, (list, tuple)) and isinstance(present, (list, tuple)):
        return sorted(map(encode_canonical, desired)) == sorted(map(encode_canonical, present))
    return encode_canonical(desired) == encode_canonical(present)
