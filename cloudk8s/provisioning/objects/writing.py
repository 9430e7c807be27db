"""A declaration as objects: what people may change there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object, Resource
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.declaration.pool import MachineDeclaration, Pool
from cloudk8s.provisioning.machines.template import POOL_TAG
from cloudk8s.provisioning.objects import kinds

ELSEWHERE: Final = frozenset({"name", "provider", "settings", "kubernetesVersion", "controlPlane", "pools"})
"""What a cluster file says that is not in the object of the infrastructure."""
CONTENT: Final = ("type", "image", "zones", "rootVolumeGiB", "spot", "tags", "options")


def written(declaration: ClusterDeclaration, endpoint: str) -> list[Object]:
    """All objects of a declaration, those that others refer to last."""
    found = [_cluster(declaration, endpoint), _infrastructure(declaration), _control_plane(declaration)]
    found.append(_template(declaration, CONTROL_PLANE, declaration.control_plane))
    for pool in declaration.pools:
        found += [_deployment(declaration, pool), _template(declaration, pool.name, pool)]
        if pool.health_check.enabled:
            found.append(_health_check(declaration, pool))
    return found


def object_name(cluster: str, group: str) -> str:
    """The name of a pool's, or the control plane's, objects."""
    return f"{cluster}-{group}"


def selector_of(cluster: str, pool: str) -> dict[str, str]:
    """Labels of a pool's machines."""
    return {kinds.CLUSTER_NAME: cluster, kinds.DEPLOYMENT_NAME: object_name(cluster, pool)}


def new(resource: Resource, cluster: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> Object:
    """An object of a cluster."""
    labels = {kinds.CLUSTER_NAME: cluster, **metadata.pop("labels", {})}
    return {
        "apiVersion": resource.api_version, "kind": resource.kind,
        "metadata": {"name": name, "namespace": kinds.NAMESPACE, "labels": labels, **metadata}, "spec": dict(spec),
    }  # fmt: skip


def reference(resource: Resource, name: str) -> dict[str, str]:
    return {"apiGroup": resource.group, "kind": resource.kind, "name": name}


def _cluster(declaration: ClusterDeclaration, endpoint: str) -> Object:
    host, _, port = endpoint.rpartition(":")
    network, name = declaration.network, declaration.name
    spec: dict[str, Any] = {
        "clusterNetwork": {
            "pods": {"cidrBlocks": list(network.pod_cidrs)}, "services": {"cidrBlocks": list(network.service_cidrs)},
            "serviceDomain": str(declaration.bootstrap.options.get("domain") or "cluster.local"),
            "apiServerPort": network.api.port,
        },
        "controlPlaneRef": reference(kinds.CONTROL_PLANES, name),
        "infrastructureRef": reference(kinds.INFRASTRUCTURES, name),
    }  # fmt: skip
    if host:
        spec["controlPlaneEndpoint"] = {"host": host.strip("[]"), "port": int(port)}
    return new(kinds.CLUSTERS, name, name, spec, finalizers=[kinds.CLUSTER_FINALIZER])


def _infrastructure(declaration: ClusterDeclaration) -> Object:
    rest = {key: value for key, value in declaration.compact().items() if key not in ELSEWHERE}
    spec = {"provider": declaration.provider, "declaration": rest}
    return new(kinds.INFRASTRUCTURES, declaration.name, declaration.name, spec)


def _control_plane(declaration: ClusterDeclaration) -> Object:
    name = object_name(declaration.name, CONTROL_PLANE)
    spec = {
        "replicas": declaration.control_plane.replicas, "version": f"v{declaration.version}",
        "machineTemplate": {"infrastructureRef": reference(kinds.TEMPLATES, name)},
    }  # fmt: skip
    return new(kinds.CONTROL_PLANES, declaration.name, declaration.name, spec)


def _deployment(declaration: ClusterDeclaration, pool: Pool) -> Object:
    cluster, name = declaration.name, object_name(declaration.name, pool.name)
    selector = selector_of(cluster, pool.name)
    taints = [{**taint.model_dump(), "propagation": "Always"} for taint in pool.taints]
    machine = {
        "clusterName": cluster, "version": f"v{declaration.version}",
        "infrastructureRef": reference(kinds.TEMPLATES, name), "taints": taints,
        "deletion": {"nodeDrainTimeoutSeconds": int(pool.rollout.drain_timeout.total_seconds())},
    }  # fmt: skip
    update = {"maxSurge": pool.rollout.max_surge, "maxUnavailable": pool.rollout.max_unavailable}
    spec = {
        "clusterName": cluster, "replicas": pool.replicas, "paused": pool.paused,
        "selector": {"matchLabels": selector},
        "template": {"metadata": {"labels": {**pool.labels, **selector}}, "spec": machine},
        "rollout": {"strategy": {"type": pool.rollout.type, "rollingUpdate": update}},
        "deletion": {"order": pool.delete_order}, "remediation": {"maxInFlight": pool.health_check.max_in_flight},
    }  # fmt: skip
    limits = {kinds.MIN_SIZE: str(pool.min or 0), kinds.MAX_SIZE: str(pool.max)} if pool.max is not None else {}
    return new(
        kinds.MACHINE_DEPLOYMENTS, cluster, name, spec, labels={POOL_TAG: pool.name}, annotations=limits,
        finalizers=[kinds.DEPLOYMENT_FINALIZER],
    )  # fmt: skip


def _template(declaration: ClusterDeclaration, group: str, machine: MachineDeclaration) -> Object:
    entry = machine.model_dump(mode="json", by_alias=True)
    content = {key: entry[key] for key in CONTENT if entry.get(key)}
    name = object_name(declaration.name, group)
    return new(kinds.TEMPLATES, declaration.name, name, {"template": {"spec": content}}, labels={POOL_TAG: group})


def _health_check(declaration: ClusterDeclaration, pool: Pool) -> Object:
    check, cluster = pool.health_check, declaration.name
    limit = int(check.unhealthy_timeout.total_seconds())
    conditions = [{"type": "Ready", "status": status, "timeoutSeconds": limit} for status in ("Unknown", "False")]
    spec = {
        "clusterName": cluster, "selector": {"matchLabels": selector_of(cluster, pool.name)},
        "checks": {
            "nodeStartupTimeoutSeconds": int(check.node_startup_timeout.total_seconds()),
            "unhealthyNodeConditions": conditions,
        },
        "remediation": {"triggerIf": {"unhealthyLessThanOrEqualTo": check.max_unhealthy}},
    }  # fmt: skip
    name = object_name(cluster, pool.name)
    return new(kinds.MACHINE_HEALTH_CHECKS, cluster, name, spec, labels={POOL_TAG: pool.name})


def groups_in(declaration: ClusterDeclaration) -> Sequence[str]:
    """The control plane, and the pools."""
    return [CONTROL_PLANE, *(pool.name for pool in declaration.pools)]
