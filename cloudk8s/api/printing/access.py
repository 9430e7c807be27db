"""RBAC, admission configuration, flow control and dynamic resources."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, CREATED_AT, NAME, NONE, UNSET, Heading, Layout
from cloudk8s.api.printing.text import age_of, name_of
from cloudk8s.api.resource import Object


def _role(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


def _binding(obj: Object, now: datetime) -> list[Any]:
    ref, subjects = obj["roleRef"], obj.get("subjects") or []
    users = ", ".join(item["name"] for item in subjects if item["kind"] == "User")
    groups = ", ".join(item["name"] for item in subjects if item["kind"] == "Group")
    accounts = ", ".join(f"{s.get('namespace', '')}/{s['name']}" for s in subjects if s["kind"] == "ServiceAccount")
    return [name_of(obj), f"{ref['kind']}/{ref['name']}", age_of(obj, now), users, groups, accounts]


def _policy(rules: str) -> Any:
    def cells(obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        kind = spec.get("paramKind")
        text = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET
        return [name_of(obj), len(spec.get(rules) or []), text, age_of(obj, now)]

    return cells


def _policy_binding(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    ref = spec.get("paramRef")
    text = UNSET
    if ref:
        inside = ref.get("namespace", "*") or "*"
        text = f"{inside}/{ref['name']}" if ref.get("name") else f"{inside}/*"
    return [name_of(obj), spec.get("policyName", ""), text, age_of(obj, now)]


def _webhooks(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), len(obj.get("webhooks") or []), age_of(obj, now)]


def _flow_schema(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    conditions = (obj.get("status") or {}).get("conditions") or []
    dangling = next((item.get("status") for item in conditions if item["type"] == "Dangling"), "?")
    return [
        name_of(obj),
        spec["priorityLevelConfiguration"]["name"],
        spec.get("matchingPrecedence", 0),
        (spec.get("distinguisherMethod") or {}).get("type") or NONE,
        age_of(obj, now),
        dangling,
    ]


def _priority_level(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    limited = spec.get("limited") or {}
    queuing = ((limited.get("limitResponse") or {}).get("queuing")) or {}
    shares = limited.get("nominalConcurrencyShares", NONE)
    numbers = [queuing.get(name, NONE) for name in ("queues", "handSize", "queueLengthLimit")]
    return [name_of(obj), spec.get("type", ""), shares, *numbers, age_of(obj, now)]


def _claim(obj: Object, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    states = []
    if obj["metadata"].get("deletionTimestamp"):
        states.append("deleted")
    if status.get("allocation"):
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    return [name_of(obj), ",".join(states) or "pending", age_of(obj, now)]


def _slice(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    pool = (spec.get("pool") or {}).get("name", "")
    return [name_of(obj), spec.get("nodeName") or "", spec.get("driver", ""), pool, age_of(obj, now)]


def _plain(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), age_of(obj, now)]


def _binding_headings(where: str, role: str) -> tuple[Heading, ...]:
    return (
        NAME,
        Heading("Role", role),
        AGE,
        Heading("Users", f"=Users in the {where}", priority=1),
        Heading("Groups", f"=Groups in the {where}", priority=1),
        Heading("ServiceAccounts", f"=ServiceAccounts in the {where}", priority=1),
    )


_CLUSTER_ROLE: Final = (
    "=RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the "
    "Authorizer must return an error."
)
_ROLE: Final = (
    "=RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef "
    "cannot be resolved, the Authorizer must return an error."
)
_POOL: Final = (
    "=Name is used to identify the pool. For node-local devices, this is often the node name, but this is not "
    "required.\n\nIt must not be longer than 253 characters and must consist of one or more DNS sub-domains separated "
    "by slashes. This field is immutable."
)
_PARAM_KIND: Final = Heading("ParamKind", "=ParamKind specifies the kind of resources used to parameterize this policy")
_POLICY_BINDING: Final = (
    NAME,
    Heading("PolicyName", "=PolicyName indicates the policy definition which the policy binding binded to"),
    Heading("ParamRef", "=ParamRef indicates the param resource which sets the configuration param"),
    AGE,
)
_WEBHOOKS: Final = Heading(
    "Webhooks", "=Webhooks indicates the number of webhooks registered in this configuration", "integer"
)
_VALIDATIONS: Final = "=Validations indicates the number of validation rules defined in this configuration"
_MUTATIONS: Final = "=Mutation indicates the number of mutations rules defined in this configuration"
_ADMISSION: Final = "admissionregistration.k8s.io"
_RBAC: Final = "rbac.authorization.k8s.io"
_LIMITED: Final = "spec.limited.limitResponse.queuing"

TABLE: Final = {
    (_RBAC, "roles"): Layout((NAME, CREATED_AT), _role),
    (_RBAC, "clusterroles"): Layout((NAME, CREATED_AT), _role),
    (_RBAC, "rolebindings"): Layout(_binding_headings("roleBinding", _ROLE), _binding),
    (_RBAC, "clusterrolebindings"): Layout(_binding_headings("clusterRoleBinding", _CLUSTER_ROLE), _binding),
    (_ADMISSION, "validatingadmissionpolicies"): Layout(
        (NAME, Heading("Validations", _VALIDATIONS, "integer"), _PARAM_KIND, AGE), _policy("validations")
    ),
    (_ADMISSION, "mutatingadmissionpolicies"): Layout(
        (NAME, Heading("Mutations", _MUTATIONS, "integer"), _PARAM_KIND, AGE), _policy("mutations")
    ),
    (_ADMISSION, "validatingadmissionpolicybindings"): Layout(_POLICY_BINDING, _policy_binding),
    (_ADMISSION, "mutatingadmissionpolicybindings"): Layout(_POLICY_BINDING, _policy_binding),
    (_ADMISSION, "validatingwebhookconfigurations"): Layout((NAME, _WEBHOOKS, AGE), _webhooks),
    (_ADMISSION, "mutatingwebhookconfigurations"): Layout((NAME, _WEBHOOKS, AGE), _webhooks),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): Layout(
        (
            NAME,
            Heading("PriorityLevel", "spec.priorityLevelConfiguration.name"),
            Heading("MatchingPrecedence", "spec.matchingPrecedence"),
            Heading("DistinguisherMethod", "spec.distinguisherMethod"),
            AGE,
            Heading("MissingPL", "=references a broken or non-existent PriorityLevelConfiguration"),
        ),
        _flow_schema,
    ),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): Layout(
        (
            NAME,
            Heading("Type", "spec.type"),
            Heading("NominalConcurrencyShares", "spec.limited.nominalConcurrencyShares"),
            Heading("Queues", f"{_LIMITED}.queues"),
            Heading("HandSize", f"{_LIMITED}.handSize"),
            Heading("QueueLengthLimit", f"{_LIMITED}.queueLengthLimit"),
            AGE,
        ),
        _priority_level,
    ),
    ("resource.k8s.io", "deviceclasses"): Layout((NAME, AGE), _plain),
    ("resource.k8s.io", "resourceclaims"): Layout(
        (
            NAME,
            Heading("State", "=A summary of the current state (allocated, pending, reserved, etc.)."),
            AGE,
        ),
        _claim,
    ),
    ("resource.k8s.io", "resourceclaimtemplates"): Layout((NAME, AGE), _plain),
    ("resource.k8s.io", "resourceslices"): Layout(
        (NAME, Heading("Node", "spec.nodeName"), Heading("Driver", "spec.driver"), Heading("Pool", _POOL), AGE),
        _slice,
    ),
}
