"""Removing the victims of a preemption, in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from cloudk8s.client.interface import Client, DeleteOptions
from cloudk8s.client.objects import is_true, observed_generation
from cloudk8s.client.resources import PODS
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time
from cloudk8s.scheduler.pod.pod import Pod

AT_ONCE = 16

_log = logging.getLogger(__name__)


async def evict(client: Client, victims: Sequence[Pod], preemptor: Pod, *, clock: Clock) -> None:
    """Delete the victims, each with a condition that says why; those that have gone are no error."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def remove(victim: Pod) -> None:
        async with slots:
            try:
                await _remove(client, victim, preemptor, clock)
            except (NotFound, Conflict) as error:
                _log.info("victim %s has gone: %s", victim.key, error)

    async with asyncio.TaskGroup() as group:
        for victim in victims:
            group.create_task(remove(victim), name=f"preempt {victim.key}")


async def _remove(client: Client, victim: Pod, preemptor: Pod, clock: Clock) -> None:
    if not is_true(victim.obj, "DisruptionTarget"):
        condition = {
            "type": "DisruptionTarget",
            **observed_generation(victim.obj),
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{preemptor.shape.scheduler_name}: preempting to accommodate a higher priority pod",
            "lastTransitionTime": format_time(clock.now()),
        }
        patch = {"metadata": {"uid": victim.uid}, "status": {"conditions": [condition]}}
        await client.patch(PODS, victim.name, patch, namespace=victim.namespace, type="strategic", subresource="status")
    if not victim.is_terminating:
        await client.delete(PODS, victim.name, namespace=victim.namespace, options=DeleteOptions(uid=victim.uid))
