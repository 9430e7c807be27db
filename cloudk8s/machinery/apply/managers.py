"""The field manager: keeps `metadata.managedFields` on every write and carries out server-side apply.

Data takes one road: read the managers, compare the two states of the object, move what changed to the writer, write the
managers back. The rules are those of `k8s.io/apimachinery/pkg/util/managedfields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cloudk8s.errors import BadRequest
from cloudk8s.machinery.apply import fieldset, last_applied, managed_fields
from cloudk8s.machinery.apply.conflict import ApplyConflict, Conflicts
from cloudk8s.machinery.apply.fieldset import LEAF
from cloudk8s.machinery.apply.managed_fields import Entry, ManagedFieldsError, Managers
from cloudk8s.machinery.apply.pruning import pruned
from cloudk8s.machinery.apply.type import TypedError
from cloudk8s.machinery.apply.versions import Versions
from cloudk8s.machinery.apply.views import Changes, Views
from cloudk8s.machinery.apply.writer import UNOWNED, Writer, subject
from cloudk8s.machinery.times import format_time

__all__ = ["BEFORE_FIRST_APPLY", "ApplyError", "FieldManager", "Writer"]

BEFORE_FIRST_APPLY: Final = "before-first-apply"

Object = dict[str, Any]


class ApplyError(ValueError):
    """An applied configuration does not fit; upstream answers 500 with this message and no reason."""


class FieldManager:
    """Managed fields of one kind, served in `api_version`. Keep it: it holds the kind's compiled types.

    `zero` is an object of the kind with nothing set, as Go writes it: `{"metadata": {}, "spec": {"containers": null}}`.
    What it has belongs to nobody until it changes. Objects given must be complete in the same way. A kind whose schema
    may change, a custom one, `reconciles` managers that were written under another schema.
    """

    def __init__(
        self, api_version: str, kind: str, versions: Versions, *, zero: Mapping[str, Any] | None = None,
        reconciles: bool = False,
    ) -> None:  # fmt: skip
        self._reconciles = reconciles
        self._api_version = api_version
        self._kind = kind
        self._views = Views(versions)
        self._zero: Object = subject(dict(zero or {}))

    def on_create(self, obj: Object, writer: Writer, now: datetime) -> list[Object]:
        """The managed fields of a new object."""
        return self._updated({}, self._zero, obj, writer, now)

    def on_update(self, live: Object, new: Object, writer: Writer, now: datetime) -> list[Object]:
        """The managed fields of the new state of an object; empty where its fields are not tracked.

        What the client sent as managed fields counts, unless it is nothing, wrong, or came through a subresource.
        """
        stored = live["metadata"].get("managedFields") or []
        sent = new["metadata"].get("managedFields")
        managers = self._managers_of_update(stored, sent, writer)
        if not managers:
            return []
        return self._updated(managers, subject(live), new, writer, now)

    def on_apply(
        self, live: Object | None, config: Object, writer: Writer, now: datetime, *, force: bool = False
    ) -> Object:
        """The live object, or a new one, with a configuration applied and its managed fields brought up to date.

        Raises ApplyConflict, ApplyError and BadRequest. Defaults are the caller's to set again.
        """
        self._check_config(config)
        try:
            return self._applied(live, config, writer, now, force)
        except ApplyConflict as conflict:
            return self._applied_by_kubectl(conflict, live, config, writer, now)

    def _updated(self, managers: Managers, old: Object, obj: Object, writer: Writer, now: datetime) -> list[Object]:
        try:
            managers = self._after_update(managers, old, subject(obj), writer, now)
        except TypedError:
            return managed_fields.encode(managers)
        return managed_fields.encode(managed_fields.capped(managers))

    def _after_update(self, managers: Managers, old: Object, new: Object, writer: Writer, now: datetime) -> Managers:
        managers = self._reconciled(managers)
        changes = Changes(self._views, old, new, writer.reset_fields)
        owned, _ = changes.of(self._api_version, is_native=True) or (LEAF, LEAF)
        managers = self._after_changes(managers, changes)
        owned = fieldset.difference(owned, UNOWNED)
        if owned:
            entry = writer.entry("Update", self._api_version, owned, format_time(now))
            former = managers.get(entry.identity)
            managers[entry.identity] = entry.owning(fieldset.union(former.fields, owned)) if former else entry
        return managers

    def _after_changes(self, managers: Managers, changes: Changes) -> Managers:
        """Take from everyone what was changed or removed; managers of versions no longer served are dropped."""
        kept: Managers = {}
        for identity, entry in managers.items():
            found = changes.of(entry.api_version, is_native=entry.api_version == self._api_version)
            if found is None:
                continue
            fields = fieldset.difference(fieldset.difference(entry.fields, found[0]), found[1])
            if fields:
                kept[identity] = entry if fields is entry.fields else entry.owning(fields)
        return kept

    def _managers_of_update(self, stored: list[Object], sent: Any, writer: Writer) -> Managers:
        if writer.subresource or sent is None or sent is stored:
            return _decoded_or_none(stored)
        if managed_fields.is_reset(sent):
            return {}
        if sent == stored:
            return _decoded_or_none(stored)
        try:
            return managed_fields.decode(sent) or _decoded_or_none(stored)
        except ManagedFieldsError:
            return _decoded_or_none(stored)

    def _applied(self, live: Object | None, config: Object, writer: Writer, now: datetime, force: bool) -> Object:
        type = self._views.type_in(self._api_version)
        assert type is not None, "a field manager serves its own version"
        managers, base = self._managers_of_apply(live, writer, now)
        findings = type.check(config)
        if findings:
            raise ApplyError(f"failed to create typed patch object ({self._described(config)}): {_joined(findings)}")
        try:
            merged: Object = type.merge(base, config) or {}
            fields = fieldset.recursive_difference(type.applied(config) or {}, writer.reset_fields)
            entry = writer.entry("Apply", self._api_version, fields)
            last = managers.get(entry.identity)
            managers[entry.identity] = entry
            result = pruned(self._views, merged, managers, entry, last)
            changes = Changes(self._views, base, result.compared, writer.reset_fields)
            changed, removed = changes.of(self._api_version, is_native=True) or (LEAF, LEAF)
        except TypedError as error:
            raise ApplyError(f"failed to create typed live object ({self._described(config)}): {error}") from error
        managers = self._after_conflicts(managers, entry, changes, force)
        is_changed = bool(changed or removed)
        time = format_time(now) if is_changed else last.time if last is not None else None
        fields = fieldset.difference(fields, UNOWNED)
        if fields:
            managers[entry.identity] = entry.owning(fields, time)
        return self._with_managers(result.object if is_changed or live is None else base, managers, writer, config)

    def _after_conflicts(self, managers: Managers, own: Entry, changes: Changes, force: bool) -> Managers:
        others = {identity: entry for identity, entry in managers.items() if identity != own.identity}
        conflicts: Conflicts = []
        for entry in () if force else others.values():
            found = changes.of(entry.api_version, is_native=entry.api_version == self._api_version)
            common = fieldset.intersection(entry.fields, found[0]) if found else LEAF
            if common:
                conflicts.append((entry, common))
        if conflicts:
            raise ApplyConflict(conflicts)
        return self._after_changes(others, changes)

    def _managers_of_apply(self, live: Object | None, writer: Writer, now: datetime) -> tuple[Managers, Object]:
        """The managers before an apply, and the live object without them; an untracked one gets a first manager."""
        if live is None:
            return {}, {}
        base = {**live, "metadata": {k: v for k, v in live["metadata"].items() if k != "managedFields"}}
        try:
            managers = managed_fields.decode(live["metadata"].get("managedFields"), is_trusted=True)
        except (KeyError, ManagedFieldsError) as error:
            raise ApplyError(f"failed to decode managed fields: {error}") from error
        if not managers:
            first = Writer(BEFORE_FIRST_APPLY, writer.subresource, writer.reset_fields)
            managers = self._after_update({}, self._zero, subject(live), first, now)
        return self._reconciled(managers), base

    def _reconciled(self, managers: Managers) -> Managers:
        """Own as a whole what has become atomic since it was owned in parts."""
        if not self._reconciles:
            return managers
        result: Managers = {}
        for identity, entry in managers.items():
            type = self._views.type_in(entry.api_version)
            fields = entry.fields if type is None else type.reconciled(entry.fields)
            result[identity] = entry if fields == entry.fields else entry.owning(fields)
        return result

    def _with_managers(self, obj: Object, managers: Managers, writer: Writer, config: Object) -> Object:
        metadata = dict(obj.get("metadata") or {})
        metadata.pop("managedFields", None)
        entries = managed_fields.encode(managers)
        if entries:
            metadata["managedFields"] = entries
        return last_applied.synced({**obj, "metadata": metadata}, config, writer.manager)

    def _applied_by_kubectl(
        self, conflict: ApplyConflict, live: Object | None, config: Object, writer: Writer, now: datetime
    ) -> Object:
        """kubectl may take over what it set before by client-side apply, as its annotation tells."""
        type = self._views.type_in(self._api_version)
        if writer.manager != last_applied.MANAGER or live is None or type is None:
            raise conflict
        allowed = last_applied.owned(live, type)
        if allowed is None:
            raise conflict
        rest = [(entry, fieldset.difference(fields, allowed)) for entry, fields in conflict.conflicts]
        rest = [(entry, fields) for entry, fields in rest if fields]
        if rest:
            raise ApplyConflict(rest)
        return self._applied(live, config, writer, now, force=True)

    def _check_config(self, config: Object) -> None:
        version, kind = config.get("apiVersion", ""), config.get("kind", "")
        if (version, kind) != (self._api_version, self._kind):
            raise BadRequest(f"invalid object type: {_group_version(str(version))}, Kind={kind}")
        if _metadata(config).get("managedFields") is not None:
            raise BadRequest("metadata.managedFields must be nil")

    def _described(self, config: Object) -> str:
        metadata = _metadata(config)
        place = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        return f"{place}; {_group_version(self._api_version)}, Kind={self._kind}"


def _metadata(config: Object) -> Object:
    """The metadata of a configuration that nobody has checked yet."""
    metadata = config.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _decoded_or_none(stored: list[Object]) -> Managers:
    try:
        return managed_fields.decode(stored, is_trusted=True)
    except (KeyError, ManagedFieldsError):
        return {}


def _joined(findings: list[tuple[str, str]]) -> str:
    texts = [f"{path}: {text}" if path else text for path, text in findings]
    return texts[0] if len(texts) == 1 else "\n".join(["errors:", *(f"  {text}" for text in texts)])


def _group_version(api_version: str) -> str:
    return api_version if "/" in api_version else f"/{api_version}"
