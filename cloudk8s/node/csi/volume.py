"""A volume as its driver has to be told of it: of a PersistentVolume, or written into a pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, uid_of
from cloudk8s.drivers.csi.access import access_mode, capability
from cloudk8s.drivers.csi.driver import NodeAbility
from cloudk8s.node.csi.drivers import RegisteredDriver
from cloudk8s.node.csi.records import ephemeral_handle

SecretReference = tuple[str, str]
"""Namespace and name; empty where there is none."""
NO_SECRET: Final[SecretReference] = ("", "")
_ONE_NODE: Final = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@dataclass(frozen=True, slots=True)
class CsiVolume:
    """What is to be staged and published."""

    name: str
    """Of the directory: the PersistentVolume's name, or the pod's for the volume."""
    driver: str
    handle: str
    fs_type: str = ""
    flags: Sequence[str] = ()
    modes: Sequence[str] = ("ReadWriteOnce",)
    is_block: bool = False
    is_readonly: bool = False
    is_ephemeral: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    stage_secret: SecretReference = NO_SECRET
    publish_secret: SecretReference = NO_SECRET
    expand_secret: SecretReference = NO_SECRET

    def capability(self, driver: RegisteredDriver, group: int | None = None) -> dict[str, Any]:
        """How it is used; `group` where the driver gives the volume to it."""
        mode = access_mode(self.modes, has_multi_writer=driver.can(NodeAbility.SINGLE_NODE_MULTI_WRITER))
        text = "" if group is None else str(group)
        return capability(mode, is_block=self.is_block, fs_type=self.fs_type, flags=self.flags, group=text)

    def wants_group(self, policy: str) -> bool:
        """Whether the node gives the volume to the pod's fsGroup, by the driver's `fsGroupPolicy`."""
        if self.is_block or self.is_readonly or policy == "None":
            return False
        if policy == "File":
            return True
        return bool(self.fs_type) and bool(_ONE_NODE & set(self.modes))


def of_persistent_volume(bound: Object, *, is_readonly: bool) -> CsiVolume:
    """The volume behind a PersistentVolume."""
    spec, source = spec_of(bound), spec_of(bound)["csi"]
    return CsiVolume(
        name=name_of(bound),
        driver=source["driver"],
        handle=source["volumeHandle"],
        fs_type=source.get("fsType") or "",
        flags=tuple(spec.get("mountOptions") or ()),
        modes=tuple(spec.get("accessModes") or ()),
        is_block=spec.get("volumeMode") == "Block",
        is_readonly=is_readonly or bool(source.get("readOnly")),
        attributes=source.get("volumeAttributes") or {},
        stage_secret=_reference(source.get("nodeStageSecretRef")),
        publish_secret=_reference(source.get("nodePublishSecretRef")),
        expand_secret=_reference(source.get("nodeExpandSecretRef")),
    )


def of_pod(pod: Object, volume: Mapping[str, Any]) -> CsiVolume:
    """A volume that is written into the pod, and lives with it."""
    source = volume["csi"]
    secret = (source.get("nodePublishSecretRef") or {}).get("name", "")
    return CsiVolume(
        name=volume["name"],
        driver=source["driver"],
        handle=ephemeral_handle(uid_of(pod), volume["name"]),
        fs_type=source.get("fsType") or "",
        is_readonly=bool(source.get("readOnly")),
        is_ephemeral=True,
        attributes=source.get("volumeAttributes") or {},
        publish_secret=(namespace_of(pod), secret) if secret else NO_SECRET,
    )


def pod_context(pod: Object, *, is_ephemeral: bool, has_ephemeral: bool) -> dict[str, str]:
    """What a driver that asks for it (`podInfoOnMount`) learns of the pod."""
    context = {
        "csi.storage.k8s.io/pod.name": name_of(pod),
        "csi.storage.k8s.io/pod.namespace": namespace_of(pod),
        "csi.storage.k8s.io/pod.uid": uid_of(pod),
        "csi.storage.k8s.io/serviceAccount.name": str(spec_of(pod).get("serviceAccountName") or "default"),
    }
    return context | ({"csi.storage.k8s.io/ephemeral": str(is_ephemeral).lower()} if has_ephemeral else {})


def _reference(found: Mapping[str, str] | None) -> SecretReference:
    return (found.get("namespace", ""), found.get("name", "")) if found else NO_SECRET
