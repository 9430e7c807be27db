"""What the options of `cluster create`, `plan` and `apply` declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudk8s.cli.cluster.options import changed
from cloudk8s.cli.options import names_in

if TYPE_CHECKING:
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options that stand for fields of a cluster file; None and empty are not given."""

    workers: int | None = None
    control_plane: int | None = None
    worker_type: str = ""
    control_plane_type: str = ""
    zones: str = ""
    nat: str = ""
    kubernetes_version: str = ""
    bootstrap: str = ""
    store: str = ""
    self_managed: bool = False

    def changes(self, declaration: ClusterDeclaration) -> dict[str, Any]:
        """As fields of a file; `--workers` and `--worker-type` are about the first pool."""
        given: dict[str, Any] = {
            "controlPlane.replicas": self.control_plane,
            "controlPlane.type": self.control_plane_type,
            "network.zones": list(names_in(self.zones)),
            "network.nat": self.nat,
            "kubernetesVersion": self.kubernetes_version,
            "bootstrap.method": self.bootstrap,
            "controlPlane.store": self.store,
            "selfManaged": self.self_managed or None,
        }
        if self.workers is not None or self.worker_type:
            given["pools"] = self._pools(declaration)
        return {key: value for key, value in given.items() if value not in (None, "", [])}

    def _pools(self, declaration: ClusterDeclaration) -> list[dict[str, Any]]:
        pools = [pool.model_dump(mode="json", by_alias=True, exclude_defaults=True) for pool in declaration.pools]
        first = pools[0] if pools else {}
        if self.workers is not None:
            first["replicas"] = self.workers
        if self.worker_type:
            first["type"] = self.worker_type
        return [{"name": declaration.pools[0].name if pools else "workers", **first}, *pools[1:]]


def declared(site: Site, state: State, from_file: ClusterDeclaration | None, wishes: Wishes) -> ClusterDeclaration:
    """The file's declaration, else what was declared before, else the defaults; with the options' wishes."""
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration, sized

    base = sized(from_file, state.recorded) if from_file is not None else state.recorded
    if base is None:
        base = ClusterDeclaration(name=site.cluster, provider=site.provider)
    base = base.model_copy(update={"settings": dict(site.settings)})
    changes = wishes.changes(base)
    return changed(base, changes) if changes else base
