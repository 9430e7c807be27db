"""CustomResourceDefinitions themselves: defaults, names accepted or in conflict, conditions, the end.

`now` is always the time as it is stored (`2026-01-01T00:00:00Z`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec

FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
APPROVAL: Final = "api-approved.kubernetes.io"
_PROTECTED: Final = ("k8s.io", "kubernetes.io")
_NO_CONFLICTS: Final = ("NamesAccepted", "True", "NoConflicts", "no conflicts found")
_ESTABLISHED: Final = ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
_NOT_ACCEPTED: Final = ("Established", "False", "NotAccepted", "not all names are accepted")

Condition = tuple[str, str, str, str]
"""Type, status, reason and message."""


def set_defaults(definition: Object) -> None:
    """Upstream's defaults of apiextensions.k8s.io/v1."""
    spec: Object = definition.setdefault("spec", {})
    names: Object = spec.setdefault("names", {})
    if not names.get("singular") and names.get("kind"):
        names["singular"] = names["kind"].lower()
    if not names.get("listKind") and names.get("kind"):
        names["listKind"] = names["kind"] + "List"
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service is not None:
        service.setdefault("port", 443)


def new_status(definition: Object) -> Object:
    """The status of a definition that has just been made."""
    stored = [version.get("name", "") for version in versions_of(definition) if version.get("storage")]
    return {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored[:1] or None}


def keep_stored_versions(new: Object, old: Object) -> None:
    """An update may not write the status, but a new storage version joins those stored."""
    if "status" in old:
        new["status"] = codec.copy(old["status"])
    status = new.setdefault("status", {})
    for version in versions_of(new):
        name = version.get("name", "")
        if version.get("storage") and name not in (status.get("storedVersions") or ()):
            status["storedVersions"] = [*(status.get("storedVersions") or ()), name]


def versions_of(definition: Object) -> Sequence[Mapping[str, Any]]:
    """The versions that a definition declares."""
    versions: Sequence[Mapping[str, Any]] = (definition.get("spec") or {}).get("versions") or ()
    return versions


def is_established(definition: Object) -> bool:
    """Whether its objects are served."""
    return condition_is_true(definition, "Established")


def condition_is_true(definition: Object, type: str) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(item["type"] == type and item["status"] == "True" for item in conditions)


def accepted(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The status of a definition beside the other definitions of its group: which names it has, and whether it serves.

    Names that another definition has already are refused; those once accepted stay. The same object comes back where
    nothing changes.
    """
    status: Object = codec.copy(definition.get("status") or {})
    names, conflict = _accept_names(definition, status.get("acceptedNames") or {}, others)
    status["acceptedNames"] = names
    _set_condition(status, conflict or _NO_CONFLICTS, now)
    if not condition_is_true(definition, "Established"):
        _set_condition(status, _NOT_ACCEPTED if conflict else _ESTABLISHED, now)
    if (approval := _approval(definition)) is not None:
        _set_condition(status, approval, now)
    return definition if status == definition.get("status") else {**definition, "status": status}


def terminating(definition: Object, now: str) -> Object:
    """A definition that has been marked for deletion: its objects have to go before it does."""
    changed: Object = codec.copy(definition)
    metadata, status = changed["metadata"], changed.setdefault("status", {})
    if FINALIZER not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    _set_condition(status, ("Terminating", "True", "InstanceDeletionPending", message), now)
    return changed


def released(definition: Object, now: str) -> Object:
    """A definition whose objects are gone."""
    changed: Object = codec.copy(definition)
    metadata = changed["metadata"]
    metadata["finalizers"] = [name for name in metadata.get("finalizers") or () if name != FINALIZER]
    done = ("Terminating", "False", "InstanceDeletionCompleted", "removed all instances")
    _set_condition(changed.setdefault("status", {}), done, now)
    return changed


def is_protected(group: str) -> bool:
    """Whether the group belongs to the Kubernetes community, which approves what is in it."""
    return any(group == name or group.endswith(f".{name}") for name in _PROTECTED)


def _accept_names(
    definition: Object, before: Mapping[str, Any], others: Iterable[Object]
) -> tuple[Object, Condition | None]:
    spec = definition["spec"]
    resources, kinds = _taken(definition, others)
    wanted, names, conflicts = spec["names"], dict(before), []
    for key, taken in (("plural", resources), ("singular", resources), ("kind", kinds), ("listKind", kinds)):
        if wanted.get(key) == before.get(key) or wanted.get(key) not in taken:
            names[key] = wanted.get(key, "")
        else:
            conflicts.append((key, [wanted[key]]))
    short = wanted.get("shortNames") or []
    if clashing := [name for name in short if name in resources and name not in (before.get("shortNames") or ())]:
        conflicts.insert(2, ("shortNames", clashing))
    else:
        names["shortNames"] = short
    names["categories"] = wanted.get("categories") or []
    kept = {key: value for key, value in names.items() if value or key in ("plural", "kind")}
    return {"plural": "", "kind": ""} | kept, _conflict(conflicts)


def _conflict(conflicts: list[tuple[str, list[str]]]) -> Condition | None:
    """The condition tells of the last conflict found, as upstream does."""
    if not conflicts:
        return None
    key, names = conflicts[-1]
    texts = [f'"{name}" is already in use' for name in names]
    message = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return ("NamesAccepted", "False", f"{key[0].upper()}{key[1:]}Conflict", message)


def _taken(definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """Resource names and kinds that other definitions of the group have."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        same = other["metadata"]["name"] == definition["metadata"]["name"]
        if same or other["spec"]["group"] != definition["spec"]["group"]:
            continue
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources.update(filter(None, (names.get("plural"), names.get("singular"), *(names.get("shortNames") or ()))))
        kinds.update(filter(None, (names.get("kind"), names.get("listKind"))))
    return resources, kinds


def _approval(definition: Object) -> Condition | None:
    if not is_protected(definition["spec"]["group"]):
        return None
    given = (definition["metadata"].get("annotations") or {}).get(APPROVAL, "")
    type = "KubernetesAPIApprovalPolicyConformant"
    if given.startswith("unapproved"):
        return (type, "False", "UnapprovedAnnotation", f'not approved: "{given}"')
    if given.startswith(("http://", "https://")):
        return (type, "True", "ApprovedAnnotation", f"approved in {given}")
    return (type, "False", "MissingAnnotation", f"protected groups must have approval annotation {APPROVAL!r}")


def _set_condition(status: Object, condition: Condition, now: str) -> None:
    """Put a condition into a status; its transition time moves only with its status."""
    type, value, reason, message = condition
    conditions = status["conditions"] = list(status.get("conditions") or ())
    made = {"type": type, "status": value, "lastTransitionTime": now, "reason": reason, "message": message}
    for index, old in enumerate(conditions):
        if old["type"] == type:
            if old.get("status") == value:
                made["lastTransitionTime"] = old.get("lastTransitionTime", now)
            conditions[index] = made
            return
    conditions.append(made)
