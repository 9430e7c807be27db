"""ObjectMeta: names, labels, annotations, owners, finalizers, and what an update may not change.

`validate` and `validate_update` are what a kind's own validation begins with (`ValidateObjectMeta…` upstream);
`validate_common_create` and `validate_common_update` are what the generic registry adds for every kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, required, too_long
from cloudk8s.api.resource import Object
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json

NameRule = Callable[[str], list[str]]

ANNOTATIONS_MAX_BYTES = 256 * 1024
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_IMMUTABLE = (
    ("name", ""),
    ("namespace", ""),
    ("uid", ""),
    ("creationTimestamp", None),
    ("deletionTimestamp", None),
    ("deletionGracePeriodSeconds", None),
)
_WITH_RULES = (
    "name", "generateName", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
)  # fmt: skip


def validate(
    meta: Mapping[str, Any],
    *,
    namespaced: bool,
    name_rule: NameRule = names.dns_subdomain,
    path: str = "metadata",
) -> list[FieldError]:
    """A kind's own check of its metadata: the common rules and the known finalizers."""
    errors = validate_accessor(meta, namespaced=namespaced, name_rule=name_rule, path=path)
    if finalizers := meta.get("finalizers"):
        _check_known_finalizers(errors, finalizers, path)
    return errors


def validate_update(new: Mapping[str, Any], old: Mapping[str, Any], path: str = "metadata") -> list[FieldError]:
    """A kind's own check of changed metadata."""
    if is_unchanged(new, old):
        return []
    errors = validate_accessor_update(new, old, path)
    if finalizers := new.get("finalizers"):
        _check_known_finalizers(errors, finalizers, path)
    return errors


def validate_common_create(obj: Object, *, namespaced: bool) -> list[FieldError]:
    """What every creation is held to after the kind's own validation found nothing."""
    return validate_accessor(obj["metadata"], namespaced=namespaced, name_rule=names.path_segment)


def validate_common_update(new: Object, old: Object, *, namespaced: bool) -> list[FieldError]:
    """What every update is held to before the kind's own validation; both sets of findings are reported."""
    if is_unchanged(new["metadata"], old["metadata"]):
        return []
    errors = validate_accessor(new["metadata"], namespaced=namespaced, name_rule=names.path_segment)
    errors += validate_accessor_update(new["metadata"], old["metadata"])
    return errors


def is_unchanged(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether nothing differs that has rules: then all is as sound as when it was stored."""
    if (new.get("generation") or 0) < (old.get("generation") or 0):
        return False
    for field in _WITH_RULES:  # noqa: SIM110 (every write comes here, and `all` takes three times as long)
        if new.get(field) != old.get(field):
            return False
    return True


def validate_accessor(
    meta: Mapping[str, Any],
    *,
    namespaced: bool,
    name_rule: NameRule = names.dns_subdomain,
    path: str = "metadata",
) -> list[FieldError]:
    """Upstream's `ValidateObjectMetaAccessor`."""
    errors: list[FieldError] = []
    get = meta.get
    if prefix := get("generateName"):
        masked = names.without_trailing_dash(prefix)
        errors += [invalid(f"{path}.generateName", prefix, text) for text in name_rule(masked)]
    if name := get("name"):
        if messages := name_rule(name):
            errors += [invalid(f"{path}.name", name, text) for text in messages]
    else:
        errors.append(required(f"{path}.name", "name or generateName is required"))
    namespace = get("namespace")
    if namespaced:
        if not namespace:
            errors.append(required(f"{path}.namespace"))
        elif messages := names.dns_label(namespace):
            errors += [invalid(f"{path}.namespace", namespace, text) for text in messages]
    elif namespace:
        errors.append(forbidden(f"{path}.namespace", "not allowed on this type"))
    if (generation := get("generation")) and generation < 0:
        errors.append(invalid(f"{path}.generation", generation, names.NON_NEGATIVE))
    _check_maps_and_owners(errors, meta, path)
    if finalizers := get("finalizers"):
        errors += validate_finalizers(finalizers, f"{path}.finalizers")
    return errors


def validate_accessor_update(
    new: Mapping[str, Any], old: Mapping[str, Any], path: str = "metadata"
) -> list[FieldError]:
    """Upstream's `ValidateObjectMetaAccessorUpdate`; the resource version is the store's business."""
    errors: list[FieldError] = []
    if old.get("deletionTimestamp") is not None:
        errors += _new_finalizers(new.get("finalizers") or (), old.get("finalizers") or (), path)
    generation = new.get("generation") or 0
    if generation < (old.get("generation") or 0):
        errors.append(invalid(f"{path}.generation", generation, "must not be decremented"))
    for field, zero in _IMMUTABLE:
        value = new.get(field, zero)
        if value != old.get(field, zero):
            errors.append(invalid(f"{path}.{field}", value, names.IMMUTABLE))
    _check_maps_and_owners(errors, new, path)
    return errors


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, value in labels.items():
        if not names.is_qualified_name(key):
            errors += [invalid(path, key, text) for text in names.qualified_name(key)]
        if not names.is_label_value(value):
            errors += [invalid(path, value, text) for text in names.label_value(value)]
    return errors


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value)
        lowered = key.lower()
        if not names.is_qualified_name(lowered):
            errors += [invalid(path, key, text) for text in names.qualified_name(lowered)]
    if size > ANNOTATIONS_MAX_BYTES // 4 and _bytes(annotations) > ANNOTATIONS_MAX_BYTES:
        errors.append(too_long(path, ANNOTATIONS_MAX_BYTES))
    return errors


def validate_owner_references(owners: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    controller = ""
    for owner in owners:
        errors += _owner_reference(owner, path)
        if not owner.get("controller"):
            continue
        current = f"{owner.get('kind', '')}/{owner.get('name', '')}"
        if controller:
            text = (
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {controller} and {current}'
            )
            errors.append(invalid(path, go_json(owners, "[]OwnerReference"), text))
        else:
            controller = current
    return errors


def validate_finalizers(finalizers: Sequence[str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for finalizer in finalizers:
        if not names.is_qualified_name(finalizer):
            errors += [invalid(path, finalizer, text) for text in names.qualified_name(finalizer)]
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(invalid(path, list(finalizers), text))
    return errors


def _check_maps_and_owners(errors: list[FieldError], meta: Mapping[str, Any], path: str) -> None:
    if labels := meta.get("labels"):
        errors += validate_labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        errors += validate_annotations(annotations, f"{path}.annotations")
    if owners := meta.get("ownerReferences"):
        errors += validate_owner_references(owners, f"{path}.ownerReferences")


def is_known_finalizer(name: str) -> bool:
    """Whether a finalizer is upstream's own, or says by its domain and path whose it is."""
    return "/" in name or name in STANDARD_FINALIZERS


def finalizer_warning(name: str) -> str:
    """What is said of another one, where it is allowed."""
    return (
        f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name including a path (/) to avoid '
        "accidental conflicts with other finalizer writers"
    )


def _check_known_finalizers(errors: list[FieldError], finalizers: Sequence[str], path: str) -> None:
    for index, finalizer in enumerate(finalizers):
        if not is_known_finalizer(finalizer):
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(f"{path}.finalizers[{index}]", finalizer, text))


def _owner_reference(owner: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    api_version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
    group, _, version = api_version.rpartition("/")
    if not version:
        errors.append(invalid(f"{path}.apiVersion", api_version, "version must not be empty"))
    for field in ("kind", "name", "uid"):
        if not owner.get(field):
            errors.append(invalid(f"{path}.{field}", "", "must not be empty"))
    if not group and version == "v1" and kind == "Event":
        text = "/v1, Kind=Event is disallowed from being an owner"
        errors.append(invalid(path, go_json(owner, "OwnerReference"), text))
    return errors


def _new_finalizers(new: Sequence[str], old: Sequence[str], path: str) -> list[FieldError]:
    extra = sorted(set(new) - set(old))
    if not extra:
        return []
    shown = ", ".join(f'"{finalizer}"' for finalizer in extra)
    text = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    return [forbidden(f"{path}.finalizers", text)]


def _bytes(annotations: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
