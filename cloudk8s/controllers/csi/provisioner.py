"""Volumes of a driver: CreateVolume, DeleteVolume and ControllerExpandVolume for claims of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, name_of, spec_of, status_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.csi import parameters, topology
from cloudk8s.controllers.csi.secrets import read_secret
from cloudk8s.controllers.volume_provisioning.interface import (
    Expanded,
    ProvisionedVolume,
    ProvisioningError,
    VolumeWish,
    WrongNode,
)
from cloudk8s.drivers.csi.access import access_mode, access_modes, capability
from cloudk8s.drivers.csi.driver import ControllerAbility, CsiDriver
from cloudk8s.drivers.service import DriverError

_DELETION_SECRET: Final = "volume.kubernetes.io/provisioner-deletion-secret-"


@dataclass(frozen=True, slots=True)
class ControllerDriver:
    """A driver whose controller service this process calls."""

    name: str
    calls: CsiDriver
    abilities: frozenset[int]
    has_topology: bool = False

    def can(self, ability: ControllerAbility) -> bool:
        """Whether the controller service has a call."""
        return ability in self.abilities


class CsiProvisioner:
    """Fulfils `Provisioner`. `nodes` and `csi_nodes` are caches."""

    def __init__(self, driver: ControllerDriver, client: Client, nodes: Informer, csi_nodes: Informer) -> None:
        self._driver, self._client, self._nodes, self._csi_nodes = driver, client, nodes, csi_nodes
        self.name = driver.name
        self.component = f"{driver.name}_cloudk8s"

    async def provision(self, wish: VolumeWish) -> ProvisionedVolume:
        if not self._driver.can(ControllerAbility.CREATE_DELETE):
            raise ProvisioningError(f"driver {self.name} does not make volumes")
        deletion = parameters.secret(wish, parameters.PROVISIONER)
        request = await self._create_request(wish)
        request["secrets"] = await read_secret(self._client, deletion)
        try:
            answer = await self._driver.calls.controller("CreateVolume", request)
        except DriverError as error:
            if error.code == "RESOURCE_EXHAUSTED" and wish.node is not None:
                raise WrongNode(str(error)) from error
            raise
        made = answer["volume"]
        named = {f"{_DELETION_SECRET}{key}": value for key, value in (deletion or {}).items()}
        return ProvisionedVolume(
            source={"csi": self._source(wish, made)},
            size=made.get("capacity_bytes") or wish.size,
            node_affinity=topology.affinity(made["accessible_topology"]),
            annotations=named,
        )

    async def delete(self, volume: Object) -> None:
        found = annotations_of(volume)
        names = {key: found.get(f"{_DELETION_SECRET}{key}", "") for key in ("name", "namespace")}
        secrets = await read_secret(self._client, names if all(names.values()) else None)
        request = {"volume_id": spec_of(volume)["csi"]["volumeHandle"], "secrets": secrets}
        await self._driver.calls.controller("DeleteVolume", request)

    async def expand(self, volume: Object, size: int) -> Expanded:
        if not self._driver.can(ControllerAbility.EXPAND):
            return Expanded(size, needs_node=True)
        source = spec_of(volume)["csi"]
        secrets = await read_secret(self._client, source.get("controllerExpandSecretRef"))
        request = {
            "volume_id": source["volumeHandle"],
            "capacity_range": {"required_bytes": size},
            "secrets": secrets,
            "volume_capability": self.capability_of(volume),
        }
        answer = await self._driver.calls.controller("ControllerExpandVolume", request)
        return Expanded(answer.get("capacity_bytes") or size, bool(answer.get("node_expansion_required")))

    def capability_of(self, volume: Object) -> dict[str, Any]:
        """How a volume is used."""
        spec = spec_of(volume)
        has_multi_writer = self._driver.can(ControllerAbility.SINGLE_NODE_MULTI_WRITER)
        return capability(
            access_mode(spec.get("accessModes") or (), has_multi_writer=has_multi_writer),
            is_block=spec.get("volumeMode") == "Block",
            fs_type=spec["csi"].get("fsType") or "",
            flags=spec.get("mountOptions") or (),
        )

    async def _create_request(self, wish: VolumeWish) -> dict[str, Any]:
        spec, options = spec_of(wish.claim), wish.storage_class.get("mountOptions") or ()
        has_multi_writer = self._driver.can(ControllerAbility.SINGLE_NODE_MULTI_WRITER)
        is_block = spec.get("volumeMode") == "Block"
        fs_type = "" if is_block else wish.parameters.get(parameters.FS_TYPE, "")
        modes = access_modes(spec.get("accessModes") or (), has_multi_writer=has_multi_writer)
        capabilities = [capability(mode, is_block=is_block, fs_type=fs_type, flags=options) for mode in modes]
        request: dict[str, Any] = {
            "name": wish.name,
            "capacity_range": {"required_bytes": wish.size},
            "volume_capabilities": capabilities,
            "parameters": dict(parameters.driver_parameters(wish)),
        }
        if content := await self._content(wish):
            request["volume_content_source"] = content
        if self._driver.has_topology and (wanted := self._topology(wish)) is not None:
            request["accessibility_requirements"] = wanted
        return request

    async def _content(self, wish: VolumeWish) -> Mapping[str, Any] | None:
        """The volume of another claim that this one is to be a copy of."""
        source = spec_of(wish.claim).get("dataSourceRef") or spec_of(wish.claim).get("dataSource")
        if not source:
            return None
        if source.get("kind") != "PersistentVolumeClaim" or source.get("apiGroup"):
            raise ProvisioningError(f"{source.get('kind')} is no supported source of data; snapshots are not served")
        if not self._driver.can(ControllerAbility.CLONE):
            raise ProvisioningError(f"driver {self.name} does not clone volumes")
        namespace = wish.claim["metadata"]["namespace"]
        claim = await self._client.get(PERSISTENT_VOLUME_CLAIMS, source["name"], namespace=namespace)
        if status_of(claim).get("phase") != "Bound":
            raise ProvisioningError(f"the claim {source['name']} to clone is not bound")
        bound = await self._client.get(PERSISTENT_VOLUMES, spec_of(claim)["volumeName"])
        origin = spec_of(bound).get("csi") or {}
        if origin.get("driver") != self.name:
            raise ProvisioningError(f"the claim {source['name']} to clone is not of driver {self.name}")
        return {"volume": {"volume_id": origin["volumeHandle"]}}

    def _topology(self, wish: VolumeWish) -> dict[str, Any] | None:
        def of(node: Object) -> topology.Segments:
            return topology.of_node(node, self._csi_nodes.get(name_of(node)), self.name)

        preferred = of(wish.node) if wish.node is not None else {}
        return topology.requirement(preferred, map(of, self._nodes.list()), is_bound=wish.node is not None)

    def _source(self, wish: VolumeWish, made: Mapping[str, Any]) -> dict[str, Any]:
        source: dict[str, Any] = {"driver": self.name, "volumeHandle": made["volume_id"]}
        if attributes := made["volume_context"]:
            source["volumeAttributes"] = dict(attributes)
        if fs_type := wish.parameters.get(parameters.FS_TYPE):
            source["fsType"] = fs_type
        for purpose, field in parameters.SOURCE_FIELDS.items():
            if reference := parameters.secret(wish, purpose):
                source[field] = dict(reference)
        return source
