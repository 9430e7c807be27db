"""What happens to a CRI runtime's containers: told by itself, or found by listing them again and again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Final, Literal

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.cri.service import CriService, Unsupported
from cloudk8s.node.runtimes.interface import ContainerEvent, RuntimeFailure

RELIST_SECONDS: Final = 1.0
_KINDS: Final[tuple[Literal["created", "started", "stopped", "removed"], ...]] = (
    "created", "started", "stopped", "removed",
)  # fmt: skip
_log = logging.getLogger(__name__)


async def listen(service: CriService, *, clock: Clock) -> AsyncIterator[ContainerEvent]:
    """Changes from now on, without end."""
    try:
        async for answer in service.stream("GetContainerEvents", gets="ContainerEventResponse"):
            metadata = (answer.get("pod_sandbox_status") or {}).get("metadata") or {}
            kind = _KINDS[answer.get("container_event_type", 0)]
            yield ContainerEvent(metadata.get("uid", ""), answer.get("container_id", ""), kind)
    except Unsupported:
        _log.info("the runtime reports no events: its containers are listed again and again")
    except RuntimeFailure as error:
        _log.warning("the runtime's events ended: %s", error)
    async for event in _relist(service, clock):
        yield event


async def _relist(service: CriService, clock: Clock) -> AsyncIterator[ContainerEvent]:
    """Compare what is there with what was there."""
    before: dict[str, tuple[str, int]] = {}
    while True:
        try:
            now = await _states(service)
        except RuntimeFailure as error:
            _log.debug("not listed: %s", error)
        else:
            for container_id, (uid, state) in now.items():
                if before.get(container_id) != (uid, state):
                    yield ContainerEvent(uid, container_id, "stopped" if state > 1 else "started")
            for container_id in before.keys() - now.keys():
                yield ContainerEvent(before[container_id][0], container_id, "removed")
            before = now
        await clock.sleep(RELIST_SECONDS)


async def _states(service: CriService) -> dict[str, tuple[str, int]]:
    """The pod and the state of each container."""
    answer = await service.call("ListContainers", {}, sends="ListContainersRequest", gets="ListContainersResponse")
    return {each["id"]: (each["labels"].get(naming.POD_UID, ""), each.get("state", 0)) for each in answer["containers"]}
