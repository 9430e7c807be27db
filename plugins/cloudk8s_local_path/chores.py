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
NAMESPACE: Final = "kube-system"
_PATIENCE: Final = timedelta(minutes=2)
_LOOK_SECONDS: Final = 0.25
_MAKE: Final = 'mkdir -m 0777 -p "$0"'
_REMOVE: Final = 'rm -rf "$0"'


class Chores:
    """Pods in `kube-system` with the parent directory mounted; a chore that was begun is waited for, not repeated."""

    def __init__(self, client: Client, *, clock: Clock, image: str = "host") -> None:
        self._client, self._clock, self._image = client, clock, image

    async def make(self, node: str, path: Path) -> None:
        """Make a directory there that anybody may write to."""
        await self._run("create", node, path, _MAKE)

    async def remove(self, node: str, path: Path) -> None:
        """Delete a directory there."""
        await self._run("delete", node, path, _REMOVE)

    async def _run(self, what: str, node: str, path: Path, script: str) -> None:
        name = f"local-path-{what}-{hashlib.sha256(f'{node}/{path}'.encode()).hexdigest()[:16]}"
        with contextlib.suppress(AlreadyExists):
            await self._client.create(PODS, self._pod(name, node, path, script), namespace=NAMESPACE)
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

    def _pod(self, name: str, node: str, path: Path, script: str) -> Object:
        parent = str(path.parent)
        container = {
            "name": "chore",
            "image": self._image,
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
