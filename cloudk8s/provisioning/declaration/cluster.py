"""The root of a cluster file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, field_validator, model_validator

from cloudk8s.provisioning.declaration.model import Declared
from cloudk8s.provisioning.declaration.network import NetworkDeclaration
from cloudk8s.provisioning.declaration.pool import ControlPlane, Pool

CONTROL_PLANE = "control-plane"
"""The control plane's machines, as a group among the pools."""
NATIVE = "cloudk8s"
"""The bootstrap method that runs our own control plane."""
LONGEST = 48
LONGEST_GROUPED = 38
"""Where the cloud's id of a machine is part of its name."""
NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
RESERVED_TAGS = ("Name", "aws:", "cloudk8s.io/", "kubernetes.io/cluster/", "KubernetesCluster")
"""Tags that say whose things are; a user's tag never takes their place."""


class Bootstrap(Declared):
    """How a fresh machine becomes a node."""

    method: str = NATIVE
    """Name of a bootstrap method: `cloudk8s`, `kubeadm`, `k3s`, `none`, or one that a plugin brings."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the method."""


class ClusterDeclaration(Declared):
    """A whole cluster: what `cloudk8s cluster create -f cluster.yaml` makes."""

    name: Annotated[str, Field(pattern=NAME)]
    """Name of the cluster, unique in the account."""
    provider: str
    """Where it runs: `aws`, `libcloud`, `local`, `simulated`, or a provider that a plugin brings."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the provider, such as the region; `cloudk8s provider describe` lists them."""
    kubernetes_version: Annotated[str, Field(pattern=r"^v?1\.\d{1,2}(\.\d+)?$")] = "1.37"
    """Version of Kubernetes; an upgrade changes it."""
    control_plane: ControlPlane = ControlPlane()
    """The machines that run the control plane."""
    pools: tuple[Pool, ...] = (Pool(),)
    """Workers."""
    network: NetworkDeclaration = NetworkDeclaration()
    """Where machines live, and what may reach them."""
    bootstrap: Bootstrap = Bootstrap()
    """How a fresh machine becomes a node."""
    self_managed: bool = False
    """Let the control plane look after the cluster: it repairs, scales and changes it, as objects of its API say."""
    addons: tuple[str, ...] = ()
    """Manifests that are applied once the API answers: files or directories, relative to the cluster file."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags on everything that is made; another value is on what is made from then on."""
    _previous: ClusterDeclaration | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """By what is declared, not by what was before."""
        return isinstance(other, ClusterDeclaration) and self.model_dump() == other.model_dump()

    @property
    def previous(self) -> ClusterDeclaration | None:
        """What was declared before this, as far as it is known."""
        return self._previous

    def after(self, previous: ClusterDeclaration | None) -> ClusterDeclaration:
        """The same, declared after another one."""
        copy = self.model_copy()
        copy._previous = previous.model_copy() if previous is not None else None
        if copy._previous is not None:
            copy._previous._previous = None
        return copy

    @field_validator("kubernetes_version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        return str(value) if isinstance(value, float) else value

    @field_validator("tags")
    @classmethod
    def _identity_is_ours(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if key.startswith(RESERVED_TAGS):
                raise ValueError(f"tag {key!r} says whose things are and can't be set")
        return value

    @model_validator(mode="after")
    def _someone_manages(self) -> ClusterDeclaration:
        if self.self_managed and self.bootstrap.method != NATIVE:
            raise ValueError(f"selfManaged needs a control plane of our own: bootstrap.method {NATIVE}")
        return self

    @model_validator(mode="after")
    def _pools_have_names(self) -> ClusterDeclaration:
        names = [pool.name for pool in self.pools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"pool {', '.join(twice)} is declared twice")
        if CONTROL_PLANE in names:
            raise ValueError(f"{CONTROL_PLANE} can't be the name of a pool")
        if long := next((name for name in names if len(self.name) + len(name) > LONGEST), None):
            raise ValueError(
                f"names of cluster and pool {long} are longer than {LONGEST} together: machines' names would be cut"
            )
        grouped = [pool.name for pool in self.pools if pool.scaling_group]
        if long := next((name for name in grouped if len(self.name) + len(name) > LONGEST_GROUPED), None):
            raise ValueError(
                f"names of cluster and pool {long} are longer than {LONGEST_GROUPED} together: with an instance's id "
                "they are no names of nodes"
            )
        return self

    @property
    def version(self) -> str:
        """The version without a leading v."""
        return self.kubernetes_version.removeprefix("v")

    @property
    def keeps_etcd(self) -> bool:
        """Our own control plane keeps its state in etcd, on all of its machines."""
        plane = self.control_plane
        return self.bootstrap.method == NATIVE and (plane.store == "etcd" or (not plane.store and plane.replicas > 1))

    @property
    def hands_over(self) -> bool:
        """Our own control plane keeps its state on one machine, which hands it to the next."""
        return self.bootstrap.method == NATIVE and not self.keeps_etcd

    def pool(self, name: str) -> Pool | None:
        """The pool of this name."""
        return next((pool for pool in self.pools if pool.name == name), None)

    def compact(self) -> dict[str, Any]:
        """What differs from the defaults, as it would stand in a file."""
        entry = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"name": self.name, "provider": self.provider, **entry}


def sized(declaration: ClusterDeclaration, recorded: ClusterDeclaration | None) -> ClusterDeclaration:
    """A file's declaration with the sizes that it leaves to the autoscaler: what pools have, within their limits."""
    before = {pool.name: pool.replicas for pool in recorded.pools} if recorded is not None else {}
    found = {
        pool.name: min(max(before.get(pool.name, pool.replicas), pool.min or 0), pool.max)
        for pool in declaration.pools
        if pool.max is not None and "replicas" not in pool.model_fields_set
    }
    return resized(declaration, found) if found else declaration


def resized(declaration: ClusterDeclaration, replicas: Mapping[str, int]) -> ClusterDeclaration:
    """The declaration with other numbers of machines in some pools."""
    pools = tuple(
        pool.model_copy(update={"replicas": replicas[pool.name]}) if pool.name in replicas else pool
        for pool in declaration.pools
    )
    return declaration.model_copy(update={"pools": pools})
