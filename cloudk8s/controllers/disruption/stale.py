"""Pods say that they are about to be disrupted; where nothing came of it for two minutes, that is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import condition, is_deleting, name_of, namespace_of, observed_generation, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import format_time, parse_time

PATIENCE = timedelta(minutes=2)


def stale_in(pod: Object, now: datetime) -> timedelta | None:
    """How long the announcement may still stand; None if there is none that goes stale."""
    if is_deleting(pod) or is_terminal(pod):
        return None
    target = condition(pod, "DisruptionTarget")
    if target is None or target.get("status") != "True" or target.get("reason") == "TerminationByKubelet":
        return None
    since = target.get("lastTransitionTime")
    return max(timedelta(0), parse_time(since) + PATIENCE - now) if since else timedelta(0)


async def take_back(client: Client, pod: Object, now: datetime) -> None:
    """Say on the pod that it is not about to be disrupted after all."""
    target = {
        "type": "DisruptionTarget",
        **observed_generation(pod),
        "status": "False",
        "lastTransitionTime": format_time(now),
    }
    patch = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [target]}}
    try:
        await client.patch(
            PODS, name_of(pod), patch, namespace=namespace_of(pod), type="strategic", subresource="status"
        )
    except NotFound:
        return
