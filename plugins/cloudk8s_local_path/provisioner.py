"""Volumes as directories: what a claim asks for becomes a `local` volume of the node that the scheduler chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.plugin.provisioner import (
    Expanded,
    Object,
    ProvisionedVolume,
    ProvisioningError,
    VolumeWish,
)
from cloudk8s_local_path.directories import Directories
from cloudk8s_local_path.storage_class import PROVISIONER

HOSTNAME: Final = "kubernetes.io/hostname"
NODE: Final = "local-path.cloudk8s.io/node"
"""Annotation of a volume: the node that has the directory."""
_SHARED: Final = frozenset({"ReadWriteMany", "ReadOnlyMany"})


class LocalPath:
    """Fulfils `Provisioner`. A size is what the volume is called, not a limit."""

    name = PROVISIONER
    component = "local-path-provisioner"

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    async def provision(self, wish: VolumeWish) -> ProvisionedVolume:
        if wish.node is None:
            raise ProvisioningError("no node was chosen; the class needs volumeBindingMode WaitForFirstConsumer")
        spec, metadata = wish.claim["spec"], wish.claim["metadata"]
        if spec.get("volumeMode") == "Block":
            raise ProvisioningError("block volume is not supported, directories have file systems only")
        if spec.get("selector"):
            raise ProvisioningError("claim.Spec.Selector is not supported")
        if shared := sorted(_SHARED & set(spec.get("accessModes") or ())):
            raise ProvisioningError(f"{shared[0]} is not supported, a directory of one node is for its pods alone")
        node = wish.node["metadata"]["name"]
        name = f"{wish.name}_{metadata['namespace']}_{metadata['name']}"
        path = await self._directories.make(node, name)
        return ProvisionedVolume(
            source={"local": {"path": str(path)}},
            size=wish.size,
            node_affinity=_only(wish.node),
            annotations={NODE: node},
        )

    async def delete(self, volume: Object) -> None:
        path = volume["spec"]["local"]["path"]
        await self._directories.remove(volume["metadata"]["annotations"][NODE], path)

    async def expand(self, volume: Object, size: int) -> Expanded:
        return Expanded(size)


def _only(node: Object) -> Mapping[str, Any]:
    """The affinity to one node, by the label that pods are scheduled by."""
    labels = node["metadata"].get("labels") or {}
    values = [labels.get(HOSTNAME) or node["metadata"]["name"]]
    requirement = {"key": HOSTNAME, "operator": "In", "values": values}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}
