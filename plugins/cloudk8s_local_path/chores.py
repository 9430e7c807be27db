"""Work on a node that is not this host's, by a pod that lives as long as the work."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloudk8s.plugin.provisioner import (
    AlreadyExists,
    Client,
    Clock,
    DeleteOptions,
    NotFound,
    Object,
    ProvisioningError,
    Resource,
)

PODS: Final = Resource("", "v1", "pods", "Pod")
NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACE: Final = "kube-system"
_HOST_RUNTIME: Final = "cloudk8s-host://"
_IMAGE: Final = "docker.io/library/busybox:stable"
_PATIENCE: Final = timedelta(minutes=2)
_LOOK_SECONDS: Final = 0.25
_MAKE: Final = 'mkdir -m 0777 -p "$0"'
_REMOVE: Final = 'rm -rf "$0"'


class Chores:
    """Pods in `kube-system` with the parent directory mounted; a chore that was begun is waited for, not repeated."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client, self._clock = client, clock

    async def make(self, node: str, path: Path) -> None:
        """Make a directory there that anybody may write to."""
        await self._run("create", node, path, _MAKE)

    async def remove(self, node: str, path: Path) -> None:
        """Delete a directory there."""
        await self._run("delete", node, path, _REMOVE)

    async def _run(self, what: str, node: str, path: Path, script: str) -> None:
        name = f"local-path-{what}-{hashlib.sha256(f'{node}/{path}'.encode()).hexdigest()[:16]}"
        with contextlib.suppress(AlreadyExists):
            pod = _pod(name, node, path, script, image=await self._image(node))
            await self._client.create(PODS, pod, namespace=NAMESPACE)
        try:
            await self._wait(name, f"{what} {path} on node {node}")
        finally:
            await self._end(name)

    async def _wait(self, name: str, chore: str) -> None:
        deadline = self._clock.monotonic() + _PATIENCE.total_seconds()
        while True:
            phase = (await self._client.get(PODS, name, namespace=NAMESPACE)).get("status", {}).get("phase")
            if phase == "Succeeded":
                return
            if phase == "Failed" or self._clock.monotonic() >= deadline:
                raise ProvisioningError(f"the pod that should {chore} is {phase}")
            await self._clock.sleep(_LOOK_SECONDS)

    async def _end(self, name: str) -> None:
        try:
            options = DeleteOptions(grace_period_seconds=0)
            await self._client.delete(PODS, name, namespace=NAMESPACE, options=options)
        except NotFound:
            return

    async def _image(self, node: str) -> str:
        """The host itself where the node's runtime has it as an image, else a small one with a shell."""
        info = (await self._client.get(NODES, node)).get("status", {}).get("nodeInfo") or {}
        return "host" if info.get("containerRuntimeVersion", "").startswith(_HOST_RUNTIME) else _IMAGE


def _pod(name: str, node: str, path: Path, script: str, *, image: str) -> Object:
    parent = str(path.parent)
    container = {
        "name": "chore",
        "image": image,
        "command": ["sh", "-c", script, str(path)],
        "volumeMounts": [{"name": "volumes", "mountPath": parent}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [container],
            "volumes": [{"name": "volumes", "hostPath": {"path": parent, "type": "DirectoryOrCreate"}}],
        },
    }
