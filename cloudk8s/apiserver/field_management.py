"""Who owns which field: keeps `metadata.managedFields` for every write, and applies configurations."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from cloudk8s.api.decode import CONVERTED, Decoder, WrongType
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategy import Strategies
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.kind_versions import KindVersions
from cloudk8s.machinery import codec
from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.fieldset import FieldSet
from cloudk8s.machinery.apply.managers import ApplyError, FieldManager, Writer
from cloudk8s.machinery.clock import Clock

_SERVER: Final = "kube-apiserver"
"""The manager of what the server writes for its own reasons."""


class FieldManagement:
    """Updates managed fields before admission sees an object, as upstream does. Keeps one field manager a resource."""

    def __init__(self, registry: Registry, decoder: Decoder, strategies: Strategies, clock: Clock) -> None:
        self._registry = registry
        self._decoder = decoder
        self._strategies = strategies
        self._clock = clock
        self._managers: WeakKeyDictionary[ResourceType, FieldManager] = WeakKeyDictionary()
        self._resets: WeakKeyDictionary[ResourceType, dict[str, FieldSet]] = WeakKeyDictionary()

    def on_create(self, context: RequestContext, resource: ResourceType, obj: Object) -> None:
        """Give the requester's manager all fields of a new object."""
        self._decoder.complete(obj, resource.schema)
        writer = self._writer(context, resource, "")
        _put(obj, self._manager(resource).on_create(obj, writer, self._clock.now()))

    def on_update(
        self, context: RequestContext, resource: ResourceType, new: Object, old: Object, subresource: str
    ) -> None:
        """Give the requester's manager the fields that differ."""
        self._decoder.complete(new, resource.schema, old if resource.is_stored_form else None)
        writer = self._writer(context, resource, subresource)
        _put(new, self._manager(resource).on_update(old, new, writer, self._clock.now()))

    def on_own_update(self, resource: ResourceType, new: Object, old: Object, subresource: str) -> None:
        """Give the server itself the fields that differ."""
        self._decoder.complete(new, resource.schema)
        writer = Writer(_SERVER, subresource, self._reset_fields(resource, subresource))
        _put(new, self._manager(resource).on_update(old, new, writer, self._clock.now()))

    def on_review(self, context: RequestContext, resource: ResourceType, obj: Object, subresource: str = "") -> None:
        """Give the requester's manager all fields of an object that is answered and not stored."""
        self._decoder.complete(obj, resource.schema)
        writer = self._writer(context, resource, subresource)
        _put(obj, self._manager(resource).on_create(obj, writer, self._clock.now()))

    def on_apply(
        self,
        context: RequestContext,
        resource: ResourceType,
        live: Object | None,
        config: Object,
        subresource: str,
        force: bool,
    ) -> Object:
        """Merge an applied configuration into the live object, or make a new one; raises Conflict. It is the caller's.

        A configuration that does not fit the type is upstream's 500 without a reason.
        """
        writer = self._writer(context, resource, subresource)
        try:
            merged = self._manager(resource).on_apply(live, config, writer, self._clock.now(), force=force)
            applied: Object = codec.copy(merged)  # it shares parts with the live object, and is about to be changed
            if resource.custom is not None:
                return applied
            return self._decoder.check(applied, resource.schema, wording=CONVERTED, stored=lambda: live).object
        except (ApplyError, WrongType) as error:
            raise failures.plain_error(str(error)) from None

    def _writer(self, context: RequestContext, resource: ResourceType, subresource: str) -> Writer:
        return Writer(context.field_manager, subresource, self._reset_fields(resource, subresource))

    def _manager(self, resource: ResourceType) -> FieldManager:
        found = self._managers.get(resource)
        if found is None:
            zero: dict[str, Any] = {"metadata": {}}
            self._decoder.complete(zero, resource.schema)
            versions = KindVersions(self._registry, self._decoder, resource)
            is_custom = resource.custom is not None
            found = FieldManager(resource.api_version, resource.kind, versions, zero=zero, reconciles=is_custom)
            self._managers[resource] = found
        return found

    def _reset_fields(self, resource: ResourceType, subresource: str) -> FieldSet:
        """What a write through this (sub)resource cannot change, and so cannot own (upstream's `GetResetFields`)."""
        resets = self._resets.setdefault(resource, {})
        found = resets.get(subresource)
        if found is None:
            strategy = self._strategies.get((resource.group, resource.kind))
            found = resets[subresource] = fieldset.of_fields(*_reset_paths(strategy, resource, subresource))
        return found


def _reset_paths(strategy: object, resource: ResourceType, subresource: str) -> tuple[str, ...]:
    if resource.kind == "CertificateSigningRequest":
        parts = {"approval": "status.certificate", "status": "status.conditions"}
        return ("spec", parts.get(subresource, "status"))
    has_status = "status" in resource.subresources
    if subresource == "status":
        keeps = strategy.status_keeps if isinstance(strategy, BuiltinStrategy) else "metadata"
        more = {"spec": (), "spec+labels": ("metadata.labels",), "metadata": ("metadata",)}[keeps]
        return ("spec", *more)
    return ("status",) if has_status and not subresource else ()


def _put(obj: Object, entries: list[Object]) -> None:
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)
