"""End containers: the preStop hook, the stop signal, the wait, the kill."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

import orjson

from cloudk8s.client.interface import Object
from cloudk8s.node.pods import hooks, naming
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.plan import Kill
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer

LEAST_GRACE = timedelta(seconds=2)
_PROBES = {"LivenessProbe": "livenessProbe", "StartupProbe": "startupProbe"}


async def kill_container(
    tools: Tools, pod: Object, running: RuntimeContainer, message: str, *, grace: timedelta, pod_ip: str,
    after: Collection[asyncio.Task[None]] = (),
) -> None:  # fmt: skip
    """End one container within its grace; its hook runs at once, its signal comes when others have ended (`after`)."""
    name = running.labels.get(naming.CONTAINER_NAME, running.name)
    tools.container_event(pod, name, "Normal", "Killing", message or f"Stopping container {name}")
    began = tools.clock.monotonic()
    hook = _pre_stop(pod, name, running)
    if hook and grace > timedelta(0):
        await _run_pre_stop(tools, pod, running, hook, name, grace, pod_ip)
    if after:
        await _until_ended(tools, after, grace - timedelta(seconds=tools.clock.monotonic() - began))
    left = grace - timedelta(seconds=tools.clock.monotonic() - began)
    await tools.runtime.stop_container(running.id, max(left, LEAST_GRACE))


async def kill_planned(tools: Tools, pod: Object, observed: Observed, kill: Kill, pod_ip: str) -> None:
    """End a container that its probe or its definition condemns."""
    running = observed.by_id(kill.container_id)
    if running is not None:
        grace = _probe_grace(pods.find_container(pod, kill.name), kill.reason)
        await kill_container(
            tools, pod, running, kill.message, grace=pods.grace_period(pod) if grace is None else grace, pod_ip=pod_ip
        )


async def begin_anew(tools: Tools, pod: Object, observed: Observed) -> None:
    """End all containers but ephemeral ones, without their hooks, and forget their runs: init containers come again."""
    names = {container["name"] for container in (*pods.init_containers(pod), *pods.containers(pod))}
    runs = [each for each in observed.all_containers() if each.labels.get(naming.CONTAINER_NAME, each.name) in names]

    async def end(run: RuntimeContainer) -> None:
        if run.state == "running":
            name = run.labels.get(naming.CONTAINER_NAME, run.name)
            tools.container_event(pod, name, "Normal", "Killing", f"Stopping container {name}: all containers restart")
            await tools.runtime.stop_container(run.id, max(pods.grace_period(pod), LEAST_GRACE))
        await tools.runtime.remove_container(run.id)

    # What caused it is forgotten last: an agent that is killed meanwhile must find it.
    ended = [each for each in runs if each.state != "running"]
    await asyncio.gather(*(end(each) for each in runs if each.state == "running"))
    await asyncio.gather(*map(end, ended))


async def kill_pod(tools: Tools, pod: Object, observed: Observed, *, grace: timedelta, pod_ip: str) -> None:
    """End all containers of a pod and its sandboxes: regular ones first, then sidecars from the last to the first."""
    running = observed.running()
    sidecars = [container["name"] for container in reversed(pods.sidecars(pod))]
    first = [each for each in running if each.labels.get(naming.CONTAINER_NAME) not in sidecars]
    then = [[each for each in running if each.labels.get(naming.CONTAINER_NAME) == name] for name in sidecars]
    ends: list[asyncio.Task[None]] = []
    for group in (first, *then):
        after = tuple(ends)
        for each in group:
            work = kill_container(tools, pod, each, "", grace=grace, pod_ip=pod_ip, after=after)
            ends.append(asyncio.create_task(work, name=f"end of {each.name}"))
    for failure in filter(None, await asyncio.gather(*ends, return_exceptions=True)):
        raise failure
    await stop_sandboxes(tools, observed)


async def stop_sandboxes(tools: Tools, observed: Observed) -> None:
    """Give the pod's network back."""
    await asyncio.gather(*(tools.runtime.stop_sandbox(each.id) for each in observed.sandboxes if each.state == "ready"))


async def _until_ended(tools: Tools, others: Collection[asyncio.Task[None]], most: timedelta) -> None:
    """Wait for others, as long as there is time."""
    patience = asyncio.ensure_future(tools.clock.sleep(max(0.0, most.total_seconds())))
    waiting = asyncio.ensure_future(asyncio.wait(others))
    try:
        await asyncio.wait({waiting, patience}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        patience.cancel()
        await asyncio.gather(waiting, patience, return_exceptions=True)


def _pre_stop(pod: Object, name: str, running: RuntimeContainer) -> hooks.Hook | None:
    """The hook of the spec, or, where the spec is gone, the one that the container remembers."""
    container = pods.find_container(pod, name)
    if container is not None:
        return (container.get("lifecycle") or {}).get("preStop")
    remembered = running.annotations.get(naming.PRE_STOP)
    return orjson.loads(remembered) if remembered else None


async def _run_pre_stop(
    tools: Tools, pod: Object, running: RuntimeContainer, hook: hooks.Hook, name: str, grace: timedelta, pod_ip: str
) -> None:  # fmt: skip
    subject = Subject(pods.find_container(pod, name) or {"name": name}, running.id, pod_ip)
    work = asyncio.ensure_future(hooks.run(tools.runtime, tools.clock, subject, hook, tools.warn_of(pod)))
    patience = asyncio.ensure_future(tools.clock.sleep(grace.total_seconds()))
    try:
        await asyncio.wait({work, patience}, return_when=asyncio.FIRST_COMPLETED)
        if work.done() and (error := work.exception()) is not None:  # whatever it was, the container must end
            tools.container_event(pod, name, "Warning", "FailedPreStopHook", f"PreStopHook failed: {error}")
    finally:
        work.cancel()
        patience.cancel()
        await asyncio.gather(work, patience, return_exceptions=True)


def _probe_grace(container: Container | None, reason: str) -> timedelta | None:
    probe: Container = (container or {}).get(_PROBES.get(reason, "")) or {}
    seconds = probe.get("terminationGracePeriodSeconds")
    return None if seconds is None else timedelta(seconds=int(seconds))
