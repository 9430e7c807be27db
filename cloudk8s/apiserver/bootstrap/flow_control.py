"""The flow schemas and priority levels that every cluster has, as data, and their condition."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from cloudk8s.api.resource import Object

AUTO_UPDATE: Final = "apf.kubernetes.io/autoupdate-spec"
"""The annotation by which an administrator keeps a suggested object as it is ("false")."""
MANDATORY: Final = frozenset({"exempt", "catch-all"})
PRODUCER: Final = "api-priority-and-fairness-config-producer-v1"
CONSUMER: Final = "api-priority-and-fairness-config-consumer-v1"
GROUP: Final = "flowcontrol.apiserver.k8s.io"
_API: Final = f"{GROUP}/v1"
_READ_AND_WRITE: Final = ("get", "create", "update")


def priority_levels() -> list[Object]:
    """Upstream's levels: mandatory ones first."""
    return [
        _level("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}),
        _level("catch-all", _limited(5, 0)),
        _level("system", _limited(30, 33, (64, 6, 50))),
        _level("node-high", _limited(40, 25, (64, 6, 50))),
        _level("leader-election", _limited(10, 0, (16, 4, 50))),
        _level("workload-high", _limited(40, 50, (128, 6, 50))),
        _level("workload-low", _limited(100, 90, (128, 6, 50))),
        _level("global-default", _limited(20, 50, (128, 6, 50))),
    ]


def flow_schemas() -> list[Object]:
    """Upstream's schemas, in the order in which they match."""
    everyone = _groups("system:unauthenticated", "system:authenticated")
    masters, nodes = _groups("system:masters"), _groups("system:nodes")
    manager, scheduler = _users("system:kube-controller-manager"), _users("system:kube-scheduler")
    system = _accounts("*")
    leases = _on(_READ_AND_WRITE, "coordination.k8s.io", "leases")
    node_rules = [_on("*", "", "nodes", "nodes/status", cluster=True), _on("*", "coordination.k8s.io", "leases")]
    endpoints = _on(_READ_AND_WRITE, "", "endpoints")
    endpoint_writers = [*manager, *_accounts("endpoint-controller", "endpointslicemirroring-controller")]
    return [
        _schema("exempt", "exempt", 1, "", masters),
        _schema("probes", "exempt", 2, "", everyone, {"nonResourceRules": [_PROBES]}),
        _schema("system-leader-election", "leader-election", 100, "ByUser", [*manager, *scheduler, *system],
                {"resourceRules": [leases]}),
        _schema("endpoint-controller", "workload-high", 150, "ByUser", endpoint_writers,
                {"resourceRules": [endpoints]}),
        _schema("workload-leader-election", "leader-election", 200, "ByUser", system, {"resourceRules": [leases]}),
        _schema("system-node-high", "node-high", 400, "ByUser", nodes, {"resourceRules": node_rules}),
        _schema("system-nodes", "system", 500, "ByUser", nodes),
        _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", manager),
        _schema("kube-scheduler", "workload-high", 800, "ByNamespace", scheduler),
        _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", system),
        _schema("service-accounts", "workload-low", 9000, "ByUser", _groups("system:serviceaccounts")),
        _schema("global-default", "global-default", 9900, "ByUser", everyone),
        _schema("catch-all", "catch-all", 10000, "ByUser", everyone),
    ]  # fmt: skip


def dangling(schema: Object, levels: Collection[str], now: str) -> Object:
    """The condition that says whether a schema's level is there."""
    level = (schema["spec"].get("priorityLevelConfiguration") or {}).get("name", "")
    text = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" '
    status, reason, rest = ("False", "Found", "and it exists")
    if level not in levels:
        status, reason, rest = ("True", "NotFound", "but there is no such object")
    return {
        "type": "Dangling",
        "status": status,
        "lastTransitionTime": now,
        "reason": reason,
        "message": text + rest,
    }


def with_condition(live: Object, condition: Object) -> Object:
    """The object with the condition; itself where it says the same already."""
    status = live.get("status") or {}
    conditions = status.get("conditions") or []
    same = next((item for item in conditions if item["type"] == condition["type"]), None)
    if same is not None and all(same.get(key) == condition[key] for key in ("status", "reason", "message")):
        return live
    if same is not None and same["status"] == condition["status"]:
        condition = condition | {"lastTransitionTime": same.get("lastTransitionTime")}
    others = [item for item in conditions if item["type"] != condition["type"]]
    return live | {"status": status | {"conditions": [*others, condition]}}


def takes_updates(live: Object) -> bool:
    """Whether the object's spec is the server's to keep."""
    metadata = live["metadata"]
    return metadata["name"] in MANDATORY or (metadata.get("annotations") or {}).get(AUTO_UPDATE) == "true"


_PROBES: Final = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}


def _level(name: str, spec: Object) -> Object:
    return _object("PriorityLevelConfiguration", name, spec)


def _limited(shares: int, lendable: int, queues: tuple[int, int, int] | None = None) -> Object:
    """A level with a number of queues, hands and places in a queue; without, what is too much is refused."""
    response: Object = {"type": "Reject"}
    if queues:
        names = ("queues", "handSize", "queueLengthLimit")
        response = {"type": "Queue", "queuing": dict(zip(names, queues, strict=True))}
    limited = {"nominalConcurrencyShares": shares, "limitResponse": response, "lendablePercent": lendable}
    return {"type": "Limited", "limited": limited}


def _schema(
    name: str, level: str, precedence: int, distinguisher: str, subjects: list[Object], rules: Object | None = None
) -> Object:
    """A schema for these requests of the subjects; for all of them without rules."""
    spec: Object = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    everything = {
        "resourceRules": [_on("*", "*", "*", cluster=True)],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    spec["rules"] = [{"subjects": subjects, **(rules or everything)}]
    return _object("FlowSchema", name, spec)


def _object(kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "annotations": {AUTO_UPDATE: "true"}}
    return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec}


def _on(verbs: str | Sequence[str], group: str, *resources: str, cluster: bool = False) -> Object:
    rule: dict[str, Any] = {"verbs": list(verbs), "apiGroups": [group], "resources": list(resources)}
    return rule | ({"clusterScope": True} if cluster else {}) | {"namespaces": ["*"]}


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _accounts(*names: str) -> list[Object]:
    """Service accounts of `kube-system`."""
    return [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}} for name in names]
