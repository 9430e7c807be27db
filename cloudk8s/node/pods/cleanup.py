"""Take away what a pod leaves on the node."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import uid_of
from cloudk8s.node.pods import log_rotation, naming
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.tools import Tools

KEPT_RUNS = 2
"""The present run of a container, and the one before for `kubectl logs --previous`."""


async def tear_down(tools: Tools, pod: Object) -> None:
    """Volumes, tokens, back-offs: what a pod that is over no longer needs."""
    uid = uid_of(pod)
    await tools.devices.free(uid)
    await tools.claims.release(uid)
    await tools.volumes.tear_down(uid)
    tools.tokens.forget(uid)
    tools.images.forget(uid)
    tools.restarts.forget(uid)


async def remove(tools: Tools, pod: Object, observed: Observed) -> None:
    """Containers, sandboxes and logs."""
    await asyncio.gather(*(tools.runtime.remove_sandbox(sandbox.id) for sandbox in observed.sandboxes))
    logs = naming.log_directory(str(tools.settings.logs_dir), pod)
    await asyncio.to_thread(shutil.rmtree, logs, True)


async def prune(tools: Tools, observed: Observed) -> bool:
    """Forget all but the last runs of each container, and sandboxes that nothing needs; True where there were any."""
    surplus = [run for runs in observed.containers.values() for run in runs[KEPT_RUNS:] if run.state == "exited"]
    for run in surplus:
        await tools.runtime.remove_container(run.id)
        await asyncio.to_thread(log_rotation.remove, Path(run.log_path))
    removed = {run.id for run in surplus}
    needed = {run.sandbox_id for run in observed.all_containers() if run.id not in removed}
    stale = [each for each in observed.sandboxes[1:] if each.state != "ready" and each.id not in needed]
    for sandbox in stale:
        await tools.runtime.remove_sandbox(sandbox.id)
    return bool(surplus or stale)
