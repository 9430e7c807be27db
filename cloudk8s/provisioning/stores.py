"""Where a control plane of our own keeps its state: chosen when the cluster is made, then never changed. Pure."""

from __future__ import annotations

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.declaration.cluster import NATIVE, ClusterDeclaration


def with_store(declaration: ClusterDeclaration, recorded: ClusterDeclaration | None) -> ClusterDeclaration:
    """The declaration with the store that the cluster has, or will have. Raises SettingsError for what can't be."""
    plane = declaration.control_plane
    if declaration.bootstrap.method != NATIVE:
        if plane.store:
            raise SettingsError(f"controlPlane.store: bootstrap method {declaration.bootstrap.method} has its own")
        return declaration
    if recorded is None or recorded.bootstrap.method != NATIVE:
        store = "etcd" if declaration.keeps_etcd else "sqlite"
    else:
        store = "etcd" if recorded.keeps_etcd else "sqlite"
        if plane.store not in ("", store):
            raise SettingsError(
                f"controlPlane.store: cluster {declaration.name} keeps its state in {store}, which can't be changed; "
                f"make another cluster for {plane.store}"
            )
    if store == "sqlite" and plane.replicas > 1:
        raise SettingsError(
            f"controlPlane.replicas: cluster {declaration.name} keeps its state in SQLite, on one machine; "
            f"{plane.replicas} machines need etcd, which is chosen when a cluster is made (controlPlane.store: etcd)"
        )
    if store == "sqlite":
        return declaration
    return declaration.model_copy(update={"control_plane": plane.model_copy(update={"store": store})})
