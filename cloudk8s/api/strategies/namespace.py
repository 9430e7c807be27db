"""Namespaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, give_name, spec_of
from cloudk8s.api.validation import names
from cloudk8s.api.validation.core.namespace import check_namespace_finalizers, check_phase

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


class NamespaceStrategy(BuiltinStrategy):
    """The Namespace kind: its phase is the server's, its finalizers are written by `finalize`."""

    namespaced = False
    has_status = True

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.dns_label

    def set_defaults(self, obj: Object) -> None:
        _name_label(obj["metadata"])
        spec_of(obj)
        self.default_status(obj)

    def prepare_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Active"}
        finalizers = spec_of(obj).get("finalizers") or []
        if FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, FINALIZER]
        give_name(obj["metadata"])
        _name_label(obj["metadata"])

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if subresource == "finalize":
            new["status"] = old.get("status") or {}
        else:
            super().prepare_update(new, old, subresource)
            new["spec"] = {**spec_of(new), "finalizers": (old.get("spec") or {}).get("finalizers") or []}

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        # Upstream offers metadata.name a second time under the short label `name`.
        return {
            "status.phase": (obj.get("status") or {}).get("phase", ""),
            "name": obj["metadata"].get("name", ""),
        }

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.phase", "name"})

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_namespace_finalizers(errors, obj["spec"], numbered=False)
        return errors

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_phase(errors, new)

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        errors = super().validate_update(new, old, subresource)
        if subresource == "finalize":
            check_namespace_finalizers(errors, new["spec"], numbered=True)
        return errors


def _name_label(meta: Object) -> None:
    if name := meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: name}
