"""StatefulSets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, required
from cloudk8s.api.validation.claims import check_claim_spec
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.template import check_pod_template
from cloudk8s.api.validation.selectors import is_empty, is_valid_label_selector
from cloudk8s.api.validation.values import Errors, check_non_negative, check_supported
from cloudk8s.api.validation.workloads.counts import check_available, check_collisions, check_counts, check_parts
from cloudk8s.api.validation.workloads.rollout import check_stateful_set_strategy
from cloudk8s.api.validation.workloads.selection import check_lasting, check_selector, check_template_selected

_COUNTS: Final = (
    "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration",
    "collisionCount",
)  # fmt: skip
_MUTABLE: Final = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_IMMUTABLE: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def check_stateful_set_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    _check_pod_management(errors, f"{path}.podManagementPolicy", spec.get("podManagementPolicy") or "")
    check_stateful_set_strategy(errors, f"{path}.updateStrategy", spec.get("updateStrategy") or {})
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for when in ("whenDeleted", "whenScaled") if retention else ():
        at = f"{path}.persistentVolumeClaimRetentionPolicy.{when}"
        check_supported(errors, at, retention.get(when), ["Retain", "Delete"])
    check_non_negative(errors, f"{path}.replicas", spec.get("replicas"))
    check_non_negative(errors, f"{path}.minReadySeconds", spec.get("minReadySeconds"))
    check_non_negative(errors, f"{path}.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    _check_selection(errors, path, spec)
    check_lasting(errors, f"{path}.template", spec.get("template") or {}, "StatefulSet")


def check_stateful_set_changes(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    before, after = ({k: v for k, v in obj["spec"].items() if k not in _MUTABLE} for obj in (old, new))
    if before != after:
        errors.append(forbidden("spec", _IMMUTABLE))


def check_stateful_set_status(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    status = new.get("status") or {}
    check_counts(errors, "status", status, _COUNTS)
    check_parts(errors, "status", status, ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"))
    check_available(errors, "status", status, "cannot be greater than status.readyReplicas")
    check_collisions(errors, new, old)


def _check_pod_management(errors: Errors, path: str, policy: str) -> None:
    if not policy:
        errors.append(required(path))
    elif policy not in ("OrderedReady", "Parallel"):
        errors.append(invalid(path, policy, "must be 'OrderedReady' or 'Parallel'"))


def _check_selection(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    selector, template = spec.get("selector"), spec.get("template") or {}
    check_selector(errors, f"{path}.selector", selector, "statefulset")
    claims = spec.get("volumeClaimTemplates") or ()
    for index, claim in enumerate(claims):
        check_claim_spec(errors, f"{path}.volumeClaimTemplates[{index}].spec", claim.get("spec") or {})
    if not is_valid_label_selector(selector):
        errors.append(invalid(f"{path}.selector", go_json(selector, "*LabelSelector")))
        return
    if selector is None or not is_empty(selector):
        check_template_selected(errors, f"{path}.template", template, selector)
    check_pod_template(errors, f"{path}.template", _with_claims(template, claims))


def _with_claims(template: Mapping[str, Any], claims: Any) -> Mapping[str, Any]:
    """The template as pods are made from it: the claims are the first of their volumes."""
    if not claims:
        return template
    mounted = [_claim_volume((claim.get("metadata") or {}).get("name") or "") for claim in claims]
    taken = {volume["name"] for volume in mounted}
    spec = template.get("spec") or {}
    others = [volume for volume in spec.get("volumes") or () if volume.get("name") not in taken]
    return {**template, "spec": {**spec, "volumes": [*mounted, *others]}}


def _claim_volume(name: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}
