"""The controller: its StorageClass, then the loops of every provisioner.

Somebody else's cluster gets no class; those that name the provisioner are served there all the same.
"""

from __future__ import annotations

from pathlib import Path

from cloudk8s.plugin.provisioner import ControllerContext, VolumeProvisioning
from cloudk8s_local_path.directories import Directories
from cloudk8s_local_path.provisioner import LocalPath
from cloudk8s_local_path.storage_class import ensure_storage_class


class LocalPathController:
    """Fulfils `Controller`."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._is_own_cluster = context.settings.data_dir != Path()
        directories = Directories(context.settings.data_dir, context.client, clock=context.clock)
        self._provisioning = VolumeProvisioning(context, LocalPath(directories))

    async def run(self) -> None:
        if self._is_own_cluster:
            await ensure_storage_class(self._client)
        await self._provisioning.run()
