"""Carry out a plan: kill, make the sandbox, start containers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, status_of, uid_of
from cloudk8s.client.resources import NODES
from cloudk8s.machinery.times import format_duration
from cloudk8s.node.cluster.runtime_classes import handler_of
from cloudk8s.node.containers import pod_limits
from cloudk8s.node.devices.claims import NotPrepared
from cloudk8s.node.pods import dns, kill, naming, resize, start
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import sandbox as sandboxes
from cloudk8s.node.pods.memory import PodMemory, pod_ips
from cloudk8s.node.pods.observed import Observed, observe
from cloudk8s.node.pods.plan import Plan
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.pods.resize import Step
from cloudk8s.node.pods.status.inputs import Waiting
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.runtimes import resolv_conf
from cloudk8s.node.runtimes.interface import DNSConfig, RuntimeFailure, UserRange
from cloudk8s.node.volumes.manager import MountFailed

T = TypeVar("T")

_ALL = "*"
"""The key of what concerns all containers; no container has this name."""
_RESIZE = "/resize"
SANDBOX_RETRY, RESIZE_RETRY = timedelta(seconds=5), timedelta(seconds=10)
_MOUNT_FIRST, _MOUNT_LIMIT = timedelta(milliseconds=500), timedelta(minutes=2)


async def look(tools: Tools, pod_uid: str) -> Observed:
    """What the runtime has of a pod now."""
    sandboxes_found = await tools.runtime.list_sandboxes(pod_uid=pod_uid)
    containers = await tools.runtime.list_containers(pod_uid=pod_uid)
    return observe(sandboxes_found, containers)


class PodSync:
    """Carries out plans for one pod; what fails is remembered as why a container waits and when to try again."""

    def __init__(self, tools: Tools, memory: PodMemory) -> None:
        self._tools, self._memory = tools, memory
        self._mount_wait = _MOUNT_FIRST

    async def run(self, pod: Object, observed: Observed, plan: Plan) -> None:
        """Carry out one plan."""
        tools, uid = self._tools, uid_of(pod)
        pod_ip = next(iter(pod_ips(observed, tools)), "")
        if plan.kill_pod:
            await kill.kill_pod(tools, pod, observed, grace=pods.grace_period(pod), pod_ip=pod_ip)
        if plan.begin_anew:
            await self._begin_anew(pod, observed)
            return
        for each in plan.kill:
            await _uninterrupted(kill.kill_planned(tools, pod, observed, each, pod_ip))
        if not plan.starts and not plan.create_sandbox:
            return
        if not await self._set_up_volumes(pod):
            return
        if plan.create_sandbox and not await self._create_sandbox(pod, observed, plan.sandbox_attempt):
            return
        observed = await look(tools, uid)
        for container in plan.starts:
            if not await self._start(pod, container, observed) and container in plan.start_init:
                return

    def due(self, steps: Plan) -> Plan:
        """The steps whose time has come."""
        now = self._tools.clock.now()
        waits = {key for key, moment in self._memory.wake_at.items() if moment > now}
        if _ALL in waits:
            steps = replace(steps, begin_anew=False)
        if waits & {"volumes", "sandbox"}:
            return replace(steps, create_sandbox=False, start_ephemeral=(), start_init=(), start=())
        return replace(
            steps,
            start_ephemeral=tuple(each for each in steps.start_ephemeral if each["name"] not in waits),
            start_init=tuple(each for each in steps.start_init if each["name"] not in waits),
            start=tuple(each for each in steps.start if each["name"] not in waits),
        )

    def may_resize(self) -> bool:
        """Whether the time for another try has come."""
        due = self._memory.wake_at.get(_RESIZE)
        return due is None or due <= self._tools.clock.now()

    async def resize(self, pod: Object, observed: Observed, steps: Sequence[Step]) -> None:
        """Give running containers the limits they were granted; what fails is tried again after a while."""
        if not self._memory.resize_error:
            self._tools.pod_event(pod, "Normal", "ResizeStarted", "Pod resize started")
        try:
            await self._carry_out(pod, observed, steps)
        except (RuntimeFailure, OSError) as error:
            self._memory.resize_error = str(error)
            self._memory.wake_at[_RESIZE] = self._tools.clock.now() + RESIZE_RETRY
            self._tools.pod_event(pod, "Warning", "ResizeError", f"Pod resize error: {error}")
            return
        self._memory.resize_error = ""
        self._memory.wake_at.pop(_RESIZE, None)
        self._tools.pod_event(pod, "Normal", "ResizeCompleted", "Pod resize completed")

    async def _carry_out(self, pod: Object, observed: Observed, steps: Sequence[Step]) -> None:
        """First the pod, so that its containers can grow, and again at the end, when they have shrunk."""
        pod_ip = next(iter(pod_ips(observed, self._tools)), "")
        await self._resize_whole(pod, observed)
        for step in steps:
            if step.needs_restart:
                name = step.container["name"]
                message = f"Container {name} resize requires restart, will be restarted"
                await _uninterrupted(
                    kill.kill_container(
                        self._tools, pod, step.running, message, grace=pods.grace_period(pod), pod_ip=pod_ip
                    )
                )
            else:
                await _uninterrupted(self._tools.runtime.update_resources(step.running.id, step.resources))
        await self._resize_whole(pod, observed)

    async def _resize_whole(self, pod: Object, observed: Observed) -> None:
        if observed.ready_sandbox is not None:
            granted = resize.with_granted(pod, self._memory.granted or {})
            whole = pod_limits.pod_resources(granted, pids_limit=self._tools.settings.pod_pids_limit)
            await _uninterrupted(self._tools.runtime.update_sandbox(observed.ready_sandbox.id, whole))

    async def refresh_volumes(self, pod: Object) -> None:
        """Bring the volumes of a running pod up to date."""
        try:
            await self._tools.volumes.set_up(pod)
        except MountFailed as error:
            for name, text in error.errors.items():
                note = f'MountVolume.SetUp failed for volume "{name}" : {text}'
                self._tools.pod_event(pod, "Warning", "FailedMount", note)

    async def _begin_anew(self, pod: Object, observed: Observed) -> None:
        """End all containers and start over; again and again only with growing waits, as after crashes."""
        tools, key, now = self._tools, f"{uid_of(pod)}/{_ALL}", self._tools.clock.now()
        ends = [each.finished_at or now for each in observed.all_containers() if each.state == "exited"]
        left = tools.restarts.remaining(key, since=max(ends, default=now), now=now)
        if left > timedelta(0):
            self._memory.wake_at[_ALL] = now + left
            return
        tools.restarts.next(key, now=now)
        self._memory.is_beginning_anew = True
        await _uninterrupted(kill.begin_anew(tools, pod, observed))

    async def _set_up_volumes(self, pod: Object) -> bool:
        """Volumes, and the devices of claims: what must be ready before anything of the pod starts."""
        tools, memory = self._tools, self._memory
        try:
            await tools.claims.prepare(pod)
            await tools.volumes.set_up(pod)
        except (MountFailed, NotPrepared) as error:
            for name, text in error.errors.items() if isinstance(error, MountFailed) else ():
                note = f'MountVolume.SetUp failed for volume "{name}" : {text}'
                tools.pod_event(pod, "Warning", "FailedMount", note)
            if isinstance(error, NotPrepared):
                note = f"Failed to prepare dynamic resources: {error}"
                tools.pod_event(pod, "Warning", "FailedPrepareDynamicResources", note)
            memory.wake_at["volumes"] = tools.clock.now() + self._mount_wait
            self._mount_wait = min(self._mount_wait * 2, _MOUNT_LIMIT)
            return False
        self._mount_wait = _MOUNT_FIRST
        memory.wake_at.pop("volumes", None)
        return True

    async def _create_sandbox(self, pod: Object, observed: Observed, attempt: int) -> bool:
        tools = self._tools
        if attempt:
            tools.pod_event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            await kill.stop_sandboxes(tools, observed)
        settings = tools.settings
        tools.counts.started_pods += 1
        try:
            handler = await handler_of(tools.client, pod)
            config = sandboxes.sandbox_config(
                pod, attempt, dns=await self._dns(pod),
                log_directory=naming.log_directory(str(settings.logs_dir), pod),
                hostname=sandboxes.sandbox_hostname(pod, settings.cluster_domain, settings.node_name),
                pids_limit=settings.pod_pids_limit, users=await self._users(pod, handler),
            )  # fmt: skip
            await _uninterrupted(tools.runtime.run_sandbox(config, handler=handler))
        except (RuntimeFailure, OSError) as error:
            tools.counts.failed_pods += 1
            tools.pod_event(pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
            self._memory.wake_at["sandbox"] = tools.clock.now() + SANDBOX_RETRY
            return False
        self._memory.wake_at.pop("sandbox", None)
        return True

    async def _dns(self, pod: Object) -> DNSConfig:
        """The pod's resolver configuration; what it can't have of it is told."""
        tools, settings = self._tools, self._tools.settings
        host = await asyncio.to_thread(_host_dns, tools)
        if dns.uses_cluster(pod) and not settings.cluster_dns:
            tools.events.event(tools.node.object, "Warning", "MissingClusterDNS", dns.NO_CLUSTER, resource=NODES)
            tools.pod_event(pod, "Warning", "MissingClusterDNS", f'pod: "{pods.described(pod)}". {dns.NO_CLUSTER}')
        wanted = dns.pod_dns(pod, dns.ClusterDNS(settings.cluster_dns, settings.cluster_domain), host)
        config, notes = dns.fitted(wanted)
        for note in notes:
            tools.pod_event(pod, "Warning", "DNSConfigForming", note)
        return config

    async def _users(self, pod: Object, handler: str) -> UserRange | None:
        """The pod's own users where it asks for that; better no pod than one whose root is the host's then."""
        if spec_of(pod).get("hostUsers") is not False:
            return None
        if handler not in (await self._tools.runtime.status()).with_users:
            raise RuntimeFailure("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
        return await asyncio.to_thread(self._tools.users.of, uid_of(pod))

    async def _start(self, pod: Object, container: Container, observed: Observed) -> bool:
        """Start one container, unless it must wait; True where it runs."""
        name, memory = container["name"], self._memory
        if self._is_backing_off(pod, container, observed):
            return False
        sandbox = observed.ready_sandbox
        if sandbox is None:
            return False
        ground = start.Ground(
            sandbox,
            observed,
            self._tools.volumes.mounted(uid_of(pod)),
            pod_ips(observed, self._tools),
            memory.granted or {},
        )
        kind = pods.type_of(pod, container)
        self._tools.counts.started_containers[kind] += 1
        try:
            known = {**pod, "status": {**status_of(pod), **(memory.previous or {})}}
            await _uninterrupted(start.start(self._tools, known, container, ground))
        except start.NotStarted as error:
            self._tools.counts.failed_containers[kind, error.reason] += 1
            memory.waiting[name] = Waiting(error.reason, error.message)
            self._wait_after(pod, container, error)
            return False
        memory.waiting.pop(name, None)
        memory.wake_at.pop(name, None)
        return True

    def _is_backing_off(self, pod: Object, container: Container, observed: Observed) -> bool:
        """Whether a crashed container must still wait; its wait grows with each restart."""
        tools, name = self._tools, container["name"]
        latest = observed.latest(name)
        if latest is None or latest.state != "exited":
            return False
        key, now = f"{uid_of(pod)}/{name}", tools.clock.now()
        left = tools.restarts.remaining(key, since=latest.finished_at or now, now=now)
        if left <= timedelta(0):
            tools.restarts.next(key, now=now)
            return False
        seconds = tools.restarts.wait(key)
        note = f"Back-off restarting failed container {name} in pod {pods.described(pod)}"
        tools.container_event(pod, name, "Warning", "BackOff", note)
        message = f"back-off {format_duration(seconds)} restarting failed container={name} pod={pods.described(pod)}"
        self._memory.waiting[name] = Waiting("CrashLoopBackOff", message)
        self._memory.wake_at[name] = now + left
        return True

    def _wait_after(self, pod: Object, container: Container, error: start.NotStarted) -> None:
        """When to try again: image pulls tell, everything else waits like a crash."""
        tools, name = self._tools, container["name"]
        now = tools.clock.now()
        if error.wait is not None:
            self._memory.wake_at[name] = now + error.wait
        elif error.reason in (
            "CreateContainerConfigError",
            "CreateContainerError",
            "ErrImageNeverPull",
            "InvalidImageName",
        ):
            self._memory.wake_at[name] = now + timedelta(seconds=10)


def _host_dns(tools: Tools) -> DNSConfig:
    return resolv_conf.of_host(tools.settings.resolv_conf)


async def _uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Let a runtime call finish even if the pod is being ended meanwhile: the runtime must not be left half-way."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        raise
