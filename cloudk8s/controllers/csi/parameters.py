"""What a StorageClass says to the provisioner and not to the driver: secrets and the file system. Pure.

https://kubernetes-csi.github.io/docs/secrets-and-credentials-storage-class.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of, namespace_of
from cloudk8s.controllers.volume_provisioning.interface import ProvisioningError, VolumeWish

PREFIX: Final = "csi.storage.k8s.io/"
FS_TYPE: Final = f"{PREFIX}fstype"
PROVISIONER, CONTROLLER_PUBLISH, CONTROLLER_EXPAND = "provisioner", "controller-publish", "controller-expand"
NODE_STAGE, NODE_PUBLISH, NODE_EXPAND = "node-stage", "node-publish", "node-expand"
SOURCE_FIELDS: Final = {
    CONTROLLER_PUBLISH: "controllerPublishSecretRef",
    CONTROLLER_EXPAND: "controllerExpandSecretRef",
    NODE_STAGE: "nodeStageSecretRef",
    NODE_PUBLISH: "nodePublishSecretRef",
    NODE_EXPAND: "nodeExpandSecretRef",
}
"""Where a PersistentVolume carries each secret."""
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_ANNOTATION: Final = re.compile(r"pvc\.annotations\['([^']+)'\]")

SecretReference = Mapping[str, str]


def driver_parameters(wish: VolumeWish) -> Mapping[str, str]:
    """What is meant for the driver."""
    return {name: value for name, value in wish.parameters.items() if not name.startswith(PREFIX)}


def secret(wish: VolumeWish, purpose: str) -> SecretReference | None:
    """The secret for a purpose; None where the class names none. Raises ProvisioningError for half a reference."""
    name = wish.parameters.get(f"{PREFIX}{purpose}-secret-name")
    namespace = wish.parameters.get(f"{PREFIX}{purpose}-secret-namespace")
    if name is None and namespace is None:
        return None
    if not name or not namespace:
        raise ProvisioningError(f"only name or namespace for {purpose} secret specified, both must be")
    return {"name": _resolved(name, wish), "namespace": _resolved(namespace, wish)}


def _resolved(template: str, wish: VolumeWish) -> str:
    return _PLACEHOLDER.sub(lambda match: _value(match[1], wish.claim, wish.name), template)


def _value(token: str, claim: Object, volume: str) -> str:
    known = {"pv.name": volume, "pvc.name": name_of(claim), "pvc.namespace": namespace_of(claim)}
    if token in known:
        return known[token]
    match = _ANNOTATION.fullmatch(token)
    if match is None or match[1] not in annotations_of(claim):
        raise ProvisioningError(f"error resolving value of secret: invalid tokens: {token}")
    return annotations_of(claim)[match[1]]
