"""Where the directories of volumes are: below the cluster's own on this host, else on the node, reached by a pod."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from cloudk8s.plugin.provisioner import Client, Clock, ProvisioningError
from cloudk8s_local_path.chores import Chores
from cloudk8s_local_path.removal import NotAllowed, remove

ELSEWHERE: Final = Path("/var/lib/cloudk8s/local-path")
"""Where a node has its volumes that is not one of this host."""
_MODE: Final = 0o777
"""Any user that a pod runs as may write; who may reach the directory at all is decided above it."""


class Directories:
    """`data_dir` is the cluster's directory; each of its nodes has its volumes in a directory of its own."""

    def __init__(self, data_dir: Path, client: Client, *, clock: Clock) -> None:
        self._data_dir = data_dir
        self._chores = Chores(client, clock=clock)

    async def make(self, node: str, name: str) -> Path:
        """Make a directory on a node and return its path; one that is there stays as it is."""
        if not self._is_here(node):
            path = ELSEWHERE / name
            await self._chores.make(node, path)
            return path
        path = self._volumes(node) / name
        try:
            await asyncio.to_thread(_make, path)
        except OSError as error:
            raise ProvisioningError(f"can't make {path}: {error.strerror}") from error
        return path

    async def remove(self, node: str, path: str) -> None:
        """Delete a directory and all that is in it; absent is success."""
        directory = Path(path)
        if directory.parent == self._volumes(node):
            try:
                await asyncio.to_thread(remove, directory)
            except NotAllowed:  # other users' files, of a node in a user namespace, which its root may delete
                await self._chores.remove(node, directory)
        elif directory.parent == ELSEWHERE:
            await self._chores.remove(node, directory)
        else:
            raise ProvisioningError(f"{path} is not where volumes of node {node} are made")

    def _is_here(self, node: str) -> bool:
        return self._data_dir != Path() and (self._data_dir / "nodes" / node).is_dir()

    def _volumes(self, node: str) -> Path:
        return self._data_dir / "volumes" / node


def _make(path: Path) -> None:
    for parent in (path.parent.parent, path.parent):
        parent.mkdir(mode=0o711, exist_ok=True)
    path.mkdir(mode=_MODE, exist_ok=True)
    path.chmod(_MODE)
