"""Pods, nodes and offers in a few words."""

from __future__ import annotations

from typing import Any

from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.scheduler.pod.toleration import Taint

GIB = 1 << 30
ZONE, HOSTNAME = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def pod(
    name: str, cpu: str = "1", memory: str = "1Gi", app: str = "web", owner: str = "ReplicaSet", **spec: Any
) -> Any:
    references = [{"kind": owner, "name": app, "uid": app, "controller": True}] if owner else []
    container = {"name": "main", "image": "i", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    metadata = {"name": name, "namespace": "d", "labels": {"app": app}, "ownerReferences": references}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def pods(count: int, name: str = "p", **fields: Any) -> list[Any]:
    return [pod(f"{name}-{number}", **fields) for number in range(count)]


def anti(key: str, app: str = "web") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def near(key: str, app: str = "web") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def spread(key: str, skew: int = 1, app: str = "web") -> list[dict[str, Any]]:
    selector = {"matchLabels": {"app": app}}
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}]


def offer(type: str = "m", cpus: int = 4, gib: int = 16, price: float = 0.2, zone: str = "a", **fields: Any) -> Offer:
    pool = fields.pop("pool", type)
    labels = {"node.kubernetes.io/instance-type": type, ZONE: zone, **fields.pop("labels", {})}
    amounts = {"cpu": cpus * 1000, "memory": gib * GIB, "pods": fields.pop("pods", 110)}
    amounts |= fields.pop("allocatable_more", {})
    taints = tuple(Taint(key, "", "NoSchedule") for key in fields.pop("taints", ()))
    return Offer(pool, type, zone, amounts, price, labels, taints, **fields)


def node(name: str, *there: Any, cpus: int = 4, gib: int = 16, zone: str = "a", **fields: Any) -> StandingNode:
    amounts = {"cpu": cpus * 1000, "memory": gib * GIB, "pods": 110}
    labels = {ZONE: zone, HOSTNAME: name, **fields.pop("labels", {})}
    return StandingNode(name, amounts, labels, pods=tuple(there), pool=fields.pop("pool", "m"), **fields)
