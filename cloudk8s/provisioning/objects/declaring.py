"""What objects declare: the declaration that was written, with what people have changed since. Pure.

What the objects have no word for (settings, how often replacing may fail) stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import annotations_of, is_deleting, labels_of, name_of, spec_of
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.machines.template import POOL_TAG
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.specs import (
    ControlPlaneSpec,
    InfrastructureSpec,
    MachineContent,
    MachineDeploymentSpec,
    MachineHealthCheckSpec,
    MachineTemplateHolder,
)
from cloudk8s.provisioning.objects.writing import CONTENT

REST = ("network", "bootstrap", "addons", "tags", "selfManaged")
"""What the object of the infrastructure says beside the provider."""
Found = Mapping[Resource, Mapping[str, Object]]
"""Objects by kind and name."""


def declared_by(recorded: ClusterDeclaration, found: Found) -> ClusterDeclaration:
    """Raises SettingsError for objects that declare what can't be."""
    entry = _entry(recorded)
    try:
        if (infrastructure := found[kinds.INFRASTRUCTURES].get(recorded.name)) is not None:
            entry |= _rest(recorded, InfrastructureSpec.model_validate(spec_of(infrastructure)))
        if (control_plane := found[kinds.CONTROL_PLANES].get(recorded.name)) is not None:
            spec = ControlPlaneSpec.model_validate(spec_of(control_plane))
            entry["kubernetesVersion"] = spec.version.removeprefix("v") or recorded.version
            reference = spec.machine_template.infrastructure_ref
            content = _content(found, reference.name if reference is not None else None, without=("spot",))
            entry["controlPlane"] = {**entry.get("controlPlane", {}), "replicas": spec.replicas, **content}
        deployments = found[kinds.MACHINE_DEPLOYMENTS].values()
        entry["pools"] = [_pool(recorded, each, found) for each in deployments if not is_deleting(each)]
    except ValidationError as error:
        raise SettingsError(f"objects of cluster {recorded.name}: {error}") from error
    return declare(entry, f"objects of cluster {recorded.name}")


def is_paused(found: Found, cluster: str) -> bool:
    """Whether somebody wants the cluster left alone."""
    root = found[kinds.CLUSTERS].get(cluster)
    return root is not None and (bool(spec_of(root).get("paused")) or kinds.PAUSED in annotations_of(root))


def pool_of(deployment: Object, cluster: str) -> str:
    """The pool that a MachineDeployment stands for."""
    return labels_of(deployment).get(POOL_TAG) or name_of(deployment).removeprefix(f"{cluster}-")


def _entry(recorded: ClusterDeclaration) -> dict[str, Any]:
    entry = recorded.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**entry, "name": recorded.name, "provider": recorded.provider}


def _rest(recorded: ClusterDeclaration, spec: InfrastructureSpec) -> dict[str, Any]:
    if spec.provider not in ("", recorded.provider):
        raise SettingsError(f"cluster {recorded.name}: spec.provider is {recorded.provider} and never changes")
    defaults = ClusterDeclaration(name=recorded.name, provider=recorded.provider).model_dump(mode="json", by_alias=True)
    return {**{key: defaults[key] for key in REST}, **spec.declaration}


def _pool(recorded: ClusterDeclaration, deployment: Object, found: Found) -> dict[str, Any]:
    spec = MachineDeploymentSpec.model_validate(spec_of(deployment))
    name = pool_of(deployment, recorded.name)
    before = recorded.pool(name)
    entry = before.model_dump(mode="json", by_alias=True, exclude_defaults=True) if before is not None else {}
    machine, update = spec.template.spec, spec.rollout.strategy.rolling_update
    rollout: dict[str, Any] = {
        "type": spec.rollout.strategy.type, "maxSurge": update.max_surge, "maxUnavailable": update.max_unavailable,
    }  # fmt: skip
    if machine.deletion.node_drain_timeout_seconds is not None:
        rollout["drainTimeout"] = machine.deletion.node_drain_timeout_seconds
    paused = spec.paused or kinds.PAUSED in annotations_of(deployment)
    labels = {key: text for key, text in spec.template.metadata.labels.items() if not kinds.is_mark(key)}
    taints = [taint.model_dump(exclude={"propagation"}) for taint in machine.taints]
    reference = machine.infrastructure_ref
    return {
        **entry, "name": name, "replicas": spec.replicas, "paused": paused, "labels": labels, "taints": taints,
        "rollout": rollout, "deleteOrder": spec.deletion.order or "Random",
        "healthCheck": {**entry.get("healthCheck", {}), **_health(deployment, spec, found)},
        **_limits(deployment), **_content(found, reference.name if reference is not None else None),
    }  # fmt: skip


def _limits(deployment: Object) -> dict[str, Any]:
    """What the autoscaler may do, in the annotations that every autoscaler of Cluster API reads."""
    annotations = annotations_of(deployment)
    if kinds.MAX_SIZE not in annotations:
        return {"min": None, "max": None}
    try:
        return {"min": int(annotations.get(kinds.MIN_SIZE) or 0) or None, "max": int(annotations[kinds.MAX_SIZE])}
    except ValueError as error:
        raise SettingsError(f"machinedeployment {name_of(deployment)}: annotation {kinds.MAX_SIZE}: {error}") from error


def _content(found: Found, template: str | None, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a template says of machines; SettingsError for one that is not there."""
    if template is None:
        return {}
    if (held := found[kinds.TEMPLATES].get(template)) is None:
        raise SettingsError(f"there is no {kinds.TEMPLATES.kind} {template} in namespace {kinds.NAMESPACE}")
    content: MachineContent = MachineTemplateHolder.model_validate(spec_of(held)).template.spec
    entry = content.model_dump(mode="json", by_alias=True)
    return {key: entry[key] for key in CONTENT if key not in without}


def _health(deployment: Object, spec: MachineDeploymentSpec, found: Found) -> dict[str, Any]:
    """The first health check that selects the pool's machines; without one they are not checked."""
    for check in sorted(found[kinds.MACHINE_HEALTH_CHECKS].values(), key=name_of):
        given = MachineHealthCheckSpec.model_validate(spec_of(check))
        if given.selector.match_labels.get(kinds.DEPLOYMENT_NAME) == name_of(deployment) and not is_deleting(check):
            return _checks(given, spec)
    return {"enabled": False}


def _checks(given: MachineHealthCheckSpec, spec: MachineDeploymentSpec) -> dict[str, Any]:
    entry: dict[str, Any] = {"enabled": True}
    if given.checks.node_startup_timeout_seconds is not None:
        entry["nodeStartupTimeout"] = given.checks.node_startup_timeout_seconds
    if limits := [each.timeout_seconds for each in given.checks.unhealthy_node_conditions if each.type == "Ready"]:
        entry["unhealthyTimeout"] = min(limits)
    if (most := given.remediation.trigger_if.unhealthy_less_than_or_equal_to) is not None:
        entry["maxUnhealthy"] = most
    if spec.remediation.max_in_flight is not None:
        entry["maxInFlight"] = spec.remediation.max_in_flight
    return entry
