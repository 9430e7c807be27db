"""The StorageClass `local-path`, the default one of a new cluster."""

from __future__ import annotations

from typing import Final

from cloudk8s.plugin.provisioner import AlreadyExists, Client, NotFound, Object, Resource

PROVISIONER: Final = "cloudk8s.io/local-path"
NAME: Final = "local-path"
STORAGE_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"


async def ensure_storage_class(client: Client) -> None:
    """Make the class where there is none of that name; one that a user has changed stays as it is."""
    try:
        await client.get(STORAGE_CLASSES, NAME)
    except NotFound:
        try:
            await client.create(STORAGE_CLASSES, storage_class())
        except AlreadyExists:
            return


def storage_class() -> Object:
    """Volumes are made where the pod runs, so the scheduler chooses first; they have no fixed size and may grow."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": NAME, "annotations": {DEFAULT: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
