"""Specs of persistent volume claims, also inside ephemeral volumes and stateful sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.metadata import validate_annotations, validate_labels
from cloudk8s.api.validation.resources import check_positive
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_optional, check_rule

ACCESS_MODES: Final = frozenset({"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"})
VOLUME_MODES: Final = frozenset({"Block", "Filesystem"})
_TEMPLATE_FIELDS: Final = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields",
)  # fmt: skip


def check_claim_template(errors: Errors, path: str, template: Mapping[str, Any]) -> None:
    """A template may carry labels and annotations, no other metadata."""
    meta = template.get("metadata") or {}
    errors.extend(validate_annotations(meta.get("annotations") or {}, f"{path}.metadata.annotations"))
    errors.extend(validate_labels(meta.get("labels") or {}, f"{path}.metadata.labels"))
    for field in _TEMPLATE_FIELDS:
        if meta.get(field):
            errors.append(forbidden(f"{path}.metadata.{field}", "cannot be set"))
    check_claim_spec(errors, f"{path}.spec", template.get("spec") or {})


def check_access_modes(errors: Errors, path: str, modes: Sequence[str]) -> None:
    for mode in modes:
        if mode not in ACCESS_MODES:
            errors.append(not_supported(path, mode, ACCESS_MODES))
    known = ACCESS_MODES.intersection(modes)
    if "ReadWriteOncePod" in known and len(known) > 1:
        errors.append(forbidden(path, "may not use ReadWriteOncePod with other access modes"))


def check_claim_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.append(required(f"{path}.accessModes", "at least 1 access mode is required"))
    check_label_selector(errors, f"{path}.selector", spec.get("selector"))
    check_access_modes(errors, f"{path}.accessModes", modes)
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        errors.append(required(f"{path}.resources[storage]"))
    else:
        check_positive(errors, f"{path}.resources[storage]", storage)
    if name := spec.get("storageClassName"):
        check_rule(errors, f"{path}.storageClassName", name, names.dns_subdomain)
    check_optional(errors, f"{path}.volumeMode", spec.get("volumeMode"), VOLUME_MODES)
    _check_sources(errors, path, spec)
    if name := spec.get("volumeAttributesClassName"):
        check_rule(errors, f"{path}.volumeAttributesClassName", name, names.dns_subdomain)


def _check_sources(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for key, value in (("dataSource", source), ("dataSourceRef", reference)):
        if value is not None:
            _check_source(errors, f"{path}.{key}", value)
    if source is not None and reference is not None:
        same = all(source.get(key) == reference.get(key) for key in ("apiGroup", "kind", "name"))
        if reference.get("namespace"):
            text = "may not be specified when dataSourceRef.namespace is specified"
            errors.append(invalid(path, f"{path}.dataSource", text))
        elif not same:
            errors.append(invalid(path, f"{path}.dataSource", "must match dataSourceRef"))


def _check_source(errors: Errors, path: str, source: Mapping[str, Any]) -> None:
    for key in ("name", "kind"):
        if not source.get(key):
            errors.append(required(f"{path}.{key}"))
    group, kind = source.get("apiGroup") or "", source.get("kind") or ""
    if not group and kind != "PersistentVolumeClaim":
        text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(invalid(path, kind, text))
    if group:
        check_rule(errors, f"{path}.apiGroup", group, names.dns_subdomain)
    if namespace := source.get("namespace"):
        check_rule(errors, f"{path}.namespace", namespace, names.dns_label)
