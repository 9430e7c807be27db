"""Delete what is in a namespace: pods first, then everything else at once; and count what does not go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from cloudk8s.client.discovery import Served, discover
from cloudk8s.client.interface import Client, DeleteOptions, ListOptions, Object, Resource
from cloudk8s.client.objects import finalizers_of, name_of, spec_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.namespace.conditions import Progress
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.errors import MethodNotAllowed, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

FINALIZER_WAIT = 15
"""Seconds that a finalizer of somebody else is given before the next look."""
BACKGROUND = DeleteOptions(propagation_policy="Background")


async def delete_content(client: Client, namespace: Object, now: datetime) -> Progress:
    """One pass; repeat it until it finds nothing. Nothing but pods is touched while there are pods."""
    deleted_at = parse_time(namespace["metadata"]["deletionTimestamp"])
    progress = Progress()
    await _delete_kind(client, PODS, name_of(namespace), now - deleted_at, progress)
    if progress.remaining or progress.errors:
        return progress
    found = await discover(client)
    progress.undiscovered = sorted(found.failed)
    kinds = [served.resource for served in found.preferred() if _holds_content(served)]
    await asyncio.gather(
        *(_delete_kind(client, kind, name_of(namespace), now - deleted_at, progress) for kind in kinds)
    )
    return progress


def _holds_content(served: Served) -> bool:
    return served.resource.namespaced and served.can("list", "delete") and served.resource != PODS


async def _delete_kind(
    client: Client, resource: Resource, namespace: str, elapsed: timedelta, progress: Progress
) -> None:
    try:
        left = await _delete_all(client, resource, namespace)
    except (MethodNotAllowed, NotFound):
        return
    except StatusError as error:
        progress.errors.append(error.message)
        return
    if left:
        _count(resource, left, elapsed, progress)


async def _delete_all(client: Client, resource: Resource, namespace: str) -> Sequence[Object]:
    """Delete what is there; what is left of it."""
    found = await client.list(resource, namespace=namespace)
    if not found.items:
        return ()
    try:
        await client.delete_collection(resource, namespace=namespace, delete=BACKGROUND)
    except MethodNotAllowed:
        for item in found.items:
            await client.delete(resource, name_of(item), namespace=namespace, options=BACKGROUND)
    left = await client.list(resource, namespace=namespace, options=ListOptions())
    return left.items


def _count(resource: Resource, left: Sequence[Object], elapsed: timedelta, progress: Progress) -> None:
    progress.remaining[resource] = len(left)
    names = [finalizer for item in left for finalizer in finalizers_of(item)]
    for name in names:
        progress.finalizers[name] = progress.finalizers.get(name, 0) + 1
    wait = _grace(left) if resource == PODS else 0
    if elapsed.total_seconds() >= wait:
        wait = 0
    if not wait and not names:
        text = f"unexpected items still remain in namespace: {left[0]['metadata']['namespace']} for gvr: "
        progress.errors.append(text + f"{resource.group}/{resource.version}, Resource={resource.plural}")
    progress.wait = max(progress.wait, wait or (FINALIZER_WAIT if names else 0))


def _grace(pods: Sequence[Object]) -> int:
    """The longest time that a pod may still take to end."""
    running = [pod for pod in pods if not is_terminal(pod)]
    return max((int(spec_of(pod).get("terminationGracePeriodSeconds") or 0) for pod in running), default=0)
