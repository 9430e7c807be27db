"""What machines of a group are made of; a change of it makes new machines. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cloudk8s.cloud.model.machine import Role
from cloudk8s.machinery.codec import encode_canonical
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.declaration.pool import ControlPlane, HealthCheck, Pool, Rollout

POOL_TAG = "cloudk8s.io/pool"
TEMPLATE_TAG = "cloudk8s.io/machine-template-hash"
VERSION_TAG = "cloudk8s.io/version"


@dataclass(frozen=True, slots=True)
class MachineTemplate:
    """Two machines with equal templates are interchangeable. Content-addressed: equal content never rolls anything."""

    role: Role
    version: str
    type: str = ""
    image: str = ""
    root_volume_gib: int = 0
    spot: bool = False
    bootstrap: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    bootstrap_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scaling_group: bool = False

    @property
    def hash(self) -> str:
        """Stands for the content; part of machines' names and tags."""
        content = asdict(self)
        if not self.scaling_group:  # as it was before there were any: nothing is rolled for a field it does not use
            del content["scaling_group"]
        return hashlib.sha256(encode_canonical(content)).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Group:
    """The control plane or a pool, as the machine planner sees it: a MachineDeployment."""

    name: str
    template: MachineTemplate
    replicas: int
    zones: tuple[str, ...] = ()
    rollout: Rollout = Rollout()  # noqa: RUF009 (frozen)
    delete_order: str = "Random"
    health_check: HealthCheck = HealthCheck(enabled=False)  # noqa: RUF009 (frozen)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    most: int = 0
    """The most machines that the autoscaler may make; 0 where it does not scale the group."""
    paused: bool = False

    @property
    def is_control_plane(self) -> bool:
        return self.template.role == "control-plane"

    @property
    def marks(self) -> Mapping[str, str]:
        """The tags of its machines: the user's, and what they were made from."""
        template = self.template
        return {**self.tags, POOL_TAG: self.name, TEMPLATE_TAG: template.hash, VERSION_TAG: template.version}


def groups_of(declaration: ClusterDeclaration) -> tuple[Group, ...]:
    """The control plane, then the pools."""
    control_plane = declaration.control_plane
    first = Group(
        CONTROL_PLANE, _template(declaration, control_plane, "control-plane"), control_plane.replicas,
        control_plane.zones or declaration.network.zones, tags=_tags(declaration, control_plane.tags),
        health_check=control_plane.health_check if declaration.keeps_etcd else HealthCheck(enabled=False),
    )  # fmt: skip
    return (first, *(_group(declaration, pool) for pool in declaration.pools))


def _group(declaration: ClusterDeclaration, pool: Pool) -> Group:
    return Group(
        pool.name, _template(declaration, pool, "worker"), pool.replicas, pool.zones or declaration.network.zones,
        pool.rollout, pool.delete_order, pool.health_check, _tags(declaration, pool.tags), pool.max or 0,
        pool.paused,
    )  # fmt: skip


def _template(declaration: ClusterDeclaration, machine: ControlPlane | Pool, role: Role) -> MachineTemplate:
    return MachineTemplate(
        role, declaration.version, machine.type, machine.image, machine.root_volume_gib,
        isinstance(machine, Pool) and machine.spot, declaration.bootstrap.method, machine.options,
        _bootstrap_options(declaration, role), isinstance(machine, Pool) and machine.scaling_group,
    )  # fmt: skip


def _bootstrap_options(declaration: ClusterDeclaration, role: Role) -> Mapping[str, Any]:
    """With what makes another machine of the control plane, where it is so."""
    if role == "control-plane" and declaration.self_managed:
        return {**declaration.bootstrap.options, "selfManaged": True}
    return declaration.bootstrap.options


def _tags(declaration: ClusterDeclaration, tags: Mapping[str, str]) -> Mapping[str, str]:
    return {**declaration.tags, **tags}
