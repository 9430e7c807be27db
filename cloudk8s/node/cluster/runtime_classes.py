"""Which handler of the runtime a pod's RuntimeClass names."""

from __future__ import annotations

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import RUNTIME_CLASSES
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.node.runtimes.interface import RuntimeFailure


async def handler_of(client: Client, pod: Object) -> str:
    """The handler, empty for the runtime's own choice; RuntimeFailure where the class can't be had."""
    name = spec_of(pod).get("runtimeClassName")
    if not name:
        return ""
    try:
        found = await client.get(RUNTIME_CLASSES, name)
    except NotFound as error:
        raise RuntimeFailure(f'failed to get sandbox runtime: RuntimeClass "{name}" not found') from error
    except (CloudK8sError, OSError) as error:
        raise RuntimeFailure(f'failed to get sandbox runtime: get RuntimeClass "{name}": {error}') from error
    return str(found.get("handler") or "")
