"""What the built-in kinds have in common: status and spec are written apart, metadata is checked, findings add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategy import Strategy
from cloudk8s.api.validation import metadata, names
from cloudk8s.machinery.names import generate_name

StatusKeeps = Literal["spec", "spec+labels", "metadata"]


class BuiltinStrategy(Strategy):
    """Template of a built-in kind: subclasses say what differs and override the `check_…` they have rules for."""

    namespaced: ClassVar[bool] = True
    has_generation = False
    has_status: ClassVar[bool] = False
    """There is a `status` that only the status subresource writes."""
    status_keeps: ClassVar[StatusKeeps] = "spec"
    """What a status update leaves as it was besides the spec: nothing more, labels, or all metadata."""

    checks_updates_as_new: ClassVar[bool] = False
    """An update is also held to all that a creation is, so that its findings come twice, as upstream's do."""

    checks_own_metadata: ClassVar[bool] = True
    """A creation's metadata is checked by the kind itself, more strictly than by the generic registry."""

    def zero_status(self) -> Object:
        """A new object's status: the fields that upstream writes even when they are empty."""
        return {}

    def default_status(self, obj: Object) -> None:
        """Complete a status with the fields that upstream always writes."""
        obj["status"] = self.zero_status() | (obj.get("status") or {})

    def prepare_create(self, obj: Object) -> None:
        if self.has_status:
            obj["status"] = self.zero_status()

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if subresource == "status":
            self.prepare_status_update(new, old)
        elif self.has_status and not subresource:
            _carry(new, old, "status")

    def prepare_status_update(self, new: Object, old: Object) -> None:
        """A status update changes nothing but the status and, for most kinds, metadata."""
        for key in {*new, *old} - {"status", "metadata", "apiVersion", "kind"}:
            _carry(new, old, key)
        if self.status_keeps == "spec+labels":
            _carry(new["metadata"], old["metadata"], "labels")
        elif self.status_keeps == "metadata":
            for key in ("labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp"):
                _carry(new["metadata"], old["metadata"], key)

    def validate_create(self, obj: Object) -> list[FieldError]:
        """The kind's own findings, or else those of the generic registry, which are among them for most kinds."""
        errors = self.check_create(obj)
        if errors or self.checks_own_metadata:
            return errors
        return metadata.validate_common_create(obj, namespaced=self.namespaced)

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The findings of the generic registry, then the kind's own."""
        errors = metadata.validate_common_update(new, old, namespaced=self.namespaced)
        if subresource == "status":
            return errors + self.check_status_update(new, old)
        return errors + self.check_update(new, old)

    def check_create(self, obj: Object) -> list[FieldError]:
        """Upstream's `Validate<Kind>`."""
        errors = self.check_metadata(obj)
        self.check_body(errors, obj, None)
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        """Upstream's `Validate<Kind>Update`."""
        errors = self.check_create(new) if self.checks_updates_as_new else []
        errors += metadata.validate_update(new["metadata"], old["metadata"])
        self.check_body(errors, new, old)
        self.check_changes(errors, new, old)
        return errors

    def check_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """Upstream's `Validate<Kind>StatusUpdate`."""
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        self.check_status(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        """What holds at any time for everything but metadata; `old` is what the object was before, if it was."""

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        """What may not change."""

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        """What holds for the status."""

    def check_metadata(self, obj: Object) -> list[FieldError]:
        return metadata.validate(obj["metadata"], namespaced=self.namespaced, name_rule=self.validate_name())

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.dns_subdomain


class SpecStatusStrategy(BuiltinStrategy):
    """A kind with a spec, a status and a generation that counts changes of the spec."""

    has_generation = True
    has_status = True


def spec_of(obj: Object) -> Object:
    """The object's spec; made where there is none, as Go's structs always have one."""
    spec: Object | None = obj.get("spec")
    if spec is None:
        spec = obj["spec"] = {}
    return spec


def give_name(meta: Object) -> None:
    """Make a name now where one is to be generated: some kinds prepare more from it."""
    if not meta.get("name") and (prefix := meta.get("generateName")):
        meta["name"] = generate_name(prefix)


def _carry(new: dict[str, Any], old: dict[str, Any], key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)
