"""Take away what a pod leaves on the node."""

from __future__ import annotations

import asyncio
import shutil

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import uid_of
from cloudk8s.node.pods import naming
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.tools import Tools


async def tear_down(tools: Tools, pod: Object) -> None:
    """Volumes, tokens, back-offs: what a pod that is over no longer needs."""
    uid = uid_of(pod)
    await tools.volumes.tear_down(uid)
    tools.tokens.forget(uid)
    tools.images.forget(uid)
    tools.restarts.forget(uid)


async def remove(tools: Tools, pod: Object, observed: Observed) -> None:
    """Containers, sandboxes and logs."""
    await asyncio.gather(*(tools.runtime.remove_sandbox(sandbox.id) for sandbox in observed.sandboxes))
    logs = naming.log_directory(str(tools.settings.logs_dir), pod)
    await asyncio.to_thread(shutil.rmtree, logs, True)
