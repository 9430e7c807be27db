"""What an update of a pod may change: images, deadlines, tolerations, gates, and placement while it is gated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, required
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.go_value import go_diff, go_json
from cloudk8s.api.validation.pod.affinity import REQUIRED
from cloudk8s.api.validation.pod.annotations import MIRROR, check_annotation_updates
from cloudk8s.api.validation.pod.containers import check_image_padding
from cloudk8s.api.validation.pod.known import KnownSpecs
from cloudk8s.api.validation.pod.pod import validate_metadata_and_spec
from cloudk8s.api.validation.pod.scheduling import check_tolerations
from cloudk8s.api.validation.values import Errors

_INT32_MAX: Final = 2**31 - 1
_UPDATABLE: Final = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)

Spec = Mapping[str, Any]


def validate_pod_update(new: Mapping[str, Any], old: Mapping[str, Any], known: KnownSpecs) -> Errors:
    errors = validate_meta_update(new, old, known)
    spec, before = new["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        if not _check_images(errors, f"spec.{field}", spec.get(field) or (), before.get(field) or ()):
            return errors
    if not _check_deadline(errors, spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")):
        return errors
    _check_tolerations(errors, spec.get("tolerations") or [], before.get("tolerations") or [])
    _check_gates(errors, spec.get("schedulingGates") or [], before.get("schedulingGates") or [])
    if spec == before:
        return errors
    munged = _with_old_mutable_fields(spec, before)
    if before.get("schedulingGates"):
        _check_gated_placement(errors, munged, before)
    if munged != before:
        diff = go_diff(before, munged, "PodSpec")
        errors.append(forbidden("spec", f"pod updates may not change fields other than {_UPDATABLE}\n{diff}"))
    return errors


def validate_ephemeral_containers(new: Mapping[str, Any], old: Mapping[str, Any], known: KnownSpecs) -> Errors:
    """Debug containers may be added, never changed or removed."""
    errors = validate_meta_update(new, old, known)
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [forbidden("[]", "static pods do not support ephemeral containers")]
    by_name = {container.get("name"): container for container in new["spec"].get("ephemeralContainers") or ()}
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container.get("name", "")
        if name not in by_name:
            text = f'existing ephemeral containers "{name}" may not be removed\n'
            errors.append(forbidden("spec.ephemeralContainers", text))
        elif by_name[name] != container:
            diff = go_diff(container, by_name[name], "EphemeralContainer")
            text = f'existing ephemeral containers "{name}" may not be changed\n{diff}'
            errors.append(forbidden("spec.ephemeralContainers", text))
    return errors


def validate_meta_update(new: Mapping[str, Any], old: Mapping[str, Any], known: KnownSpecs) -> Errors:
    """Metadata of old and new, then all that holds for any pod, then annotations that are frozen."""
    errors = metadata.validate_update(new["metadata"], old["metadata"])
    errors += validate_metadata_and_spec(new, known)
    annotations, before = (item["metadata"].get("annotations") or {} for item in (new, old))
    if annotations or before:
        check_annotation_updates(errors, "metadata.annotations", annotations, before, new["spec"])
    return errors


def _check_images(errors: Errors, path: str, new: Sequence[Spec], old: Sequence[Spec]) -> bool:
    if len(new) != len(old):
        errors.append(forbidden(path, "pod updates may not add or remove containers"))
        return False
    for index, container in enumerate(new):
        if not container.get("image"):
            errors.append(required(f"{path}[{index}].image"))
        check_image_padding(errors, f"{path}[{index}]", container)
    return True


def _check_deadline(errors: Errors, new: int | None, old: int | None) -> bool:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            errors.append(invalid(path, None, "must not update from a positive integer to nil value"))
        return True
    if not 0 <= new <= _INT32_MAX:
        errors.append(invalid(path, new, f"must be between 0 and {_INT32_MAX}, inclusive"))
        return False
    if old is not None and old < new:
        errors.append(invalid(path, new, "must be less than or equal to previous value"))
        return False
    return True


def _check_tolerations(errors: Errors, new: list[dict[str, Any]], old: list[dict[str, Any]]) -> None:
    bare = [_without_seconds(toleration) for toleration in new]
    if any(_without_seconds(toleration) not in bare for toleration in old):
        text = "existing toleration can not be modified except its tolerationSeconds"
        errors.append(forbidden("spec.tolerations", text))
        return
    check_tolerations(errors, "spec.tolerations", new)


def _without_seconds(toleration: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _check_gates(errors: Errors, new: list[dict[str, Any]], old: list[dict[str, Any]]) -> None:
    known = {gate.get("name") for gate in old}
    for index, gate in enumerate(new):
        if (name := gate.get("name")) not in known:
            text = f"only deletion is allowed, but found new scheduling gate '{name}'"
            errors.append(forbidden(f"spec.schedulingGates[{index}].name", text))


def _with_old_mutable_fields(spec: Spec, before: Spec) -> dict[str, Any]:
    """The new spec with what may change set back, so that any other change shows."""
    munged = dict(spec)
    for field in ("containers", "initContainers"):
        if spec.get(field):
            pairs = zip(spec[field], before.get(field) or (), strict=False)
            munged[field] = [{**container, "image": was.get("image")} for container, was in pairs]
    _set_back(munged, before, "activeDeadlineSeconds", "schedulingGates", "tolerations")
    grace = before.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = grace
    return munged


def _set_back(munged: dict[str, Any], before: Spec, *fields: str) -> None:
    for field in fields:
        if field in before:
            munged[field] = before[field]
        else:
            munged.pop(field, None)


def _check_gated_placement(errors: Errors, munged: dict[str, Any], before: Spec) -> None:
    """A gated pod may still be narrowed down: selectors and required node affinity may grow."""
    selector, old_selector = munged.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if selector != old_selector:
        if any(selector.get(key) != value for key, value in old_selector.items()):
            text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            errors.append(invalid("spec.nodeSelector", dict(sorted(selector.items())) or None, text))
        _set_back(munged, before, "nodeSelector")
    new_affinity = (munged.get("affinity") or {}).get("nodeAffinity")
    old_affinity = (before.get("affinity") or {}).get("nodeAffinity")
    if new_affinity != old_affinity:
        _check_node_affinity(errors, new_affinity or {}, old_affinity or {})
        _set_back_node_affinity(munged, before)


def _set_back_node_affinity(munged: dict[str, Any], before: Spec) -> None:
    affinity, old = dict(munged.get("affinity") or {}), before.get("affinity") or {}
    _set_back(affinity, old, "nodeAffinity")
    if affinity or "affinity" in before:
        munged["affinity"] = affinity
    else:
        munged.pop("affinity", None)


def _check_node_affinity(errors: Errors, new: Spec, old: Spec) -> None:
    if (required_before := old.get(REQUIRED)) is None:
        return
    path = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
    terms = (new.get(REQUIRED) or {}).get("nodeSelectorTerms") or []
    old_terms = required_before.get("nodeSelectorTerms") or []
    if old_terms and len(terms) != len(old_terms):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        errors.append(invalid(path, go_json(terms or None, "[]NodeSelectorTerm"), text))
        return
    for index, (term, was) in enumerate(zip(terms, old_terms, strict=False)):
        if not _only_grew(term, was):
            text = "only additions are allowed (no mutations or deletions)"
            errors.append(invalid(f"{path}[{index}]", go_json(term, "NodeSelectorTerm"), text))


def _only_grew(new: Spec, old: Spec) -> bool:
    fields = ("matchExpressions", "matchFields")
    if not any(old.get(field) for field in fields) and any(new.get(field) for field in fields):
        return False
    return all((new.get(field) or [])[: len(old.get(field) or [])] == (old.get(field) or []) for field in fields)
