"""A CRI runtime as the contract's `Runtime`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.cri import cni, events, sessions, sub_paths, translation
from cloudk8s.node.runtimes.cri.images import CriImages
from cloudk8s.node.runtimes.cri.service import CriService
from cloudk8s.node.runtimes.cri.statistics import CriStatistics
from cloudk8s.node.runtimes.host import cgroups
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    ContainerEvent,
    CreateFailed,
    ExecResult,
    Resources,
    RuntimeFailure,
    RuntimeStatus,
    RuntimeVersion,
    Sandbox,
    SandboxConfig,
    Session,
    StartFailed,
    StreamOptions,
    UnknownId,
)

ENDPOINT_FILE = "endpoint"
DEFAULT_ENDPOINT = "unix:///run/containerd/containerd.sock"


class CriRuntime(CriImages, CriStatistics):
    """Fulfils `Runtime`. It configures the network unless others do; where is told by the runtime."""

    def __init__(
        self, endpoint: str, *, clock: Clock, directory: Path | None = None, is_network_given: bool = False
    ) -> None:
        """`directory` keeps what a later purge has to know, and parts of volumes while pods have them."""
        self._endpoint, self._clock, self._directory = endpoint, clock, directory
        self._is_network_given = is_network_given
        self._sandboxes: dict[str, SandboxConfig] = {}
        self._finished: dict[str, Container] = {}
        """Statuses of containers that have ended: they do not change any more."""
        self._resources: dict[str, tuple[str, Resources]] = {}
        """Limits that containers were given, with their sandboxes: not every runtime tells them."""

    async def start(self) -> None:
        self._service = CriService(self._endpoint)
        await self._service.call("Version", {"version": "v1"}, sends="VersionRequest", gets="VersionResponse")

        if self._directory is not None:
            await asyncio.to_thread(_note, self._directory, self._endpoint)

    async def close(self) -> None:
        await self._service.close()

    async def end(self, below: Path, grace: timedelta) -> None:
        """End the pods whose logs are below a directory; an agent that comes later starts them anew."""
        mine = {sandbox.id for sandbox in await self._sandboxes_below(below)}
        running = [each for each in await self.list_containers() if each.sandbox_id in mine and each.state == "running"]
        await asyncio.gather(*(self.stop_container(each.id, grace) for each in running))
        await asyncio.gather(*map(self.stop_sandbox, mine))

    async def purge(self, below: Path) -> None:
        """End and forget the pods whose logs are below a directory, and the network that was made for them."""
        for sandbox in await self._sandboxes_below(below):
            await self.remove_sandbox(sandbox.id)
        if not await self.list_sandboxes():
            await asyncio.to_thread(cni.remove, await self._cni_directory())

    async def version(self) -> RuntimeVersion:
        answer = await self._service.call("Version", {}, sends="VersionRequest", gets="VersionResponse")
        return RuntimeVersion(answer.get("runtime_name", ""), answer.get("runtime_version", ""))

    async def status(self) -> RuntimeStatus:
        try:
            answer = await self._service.call("Status", {}, sends="StatusRequest", gets="StatusResponse", timeout=10.0)
        except RuntimeFailure as error:
            return RuntimeStatus(ready=False, network_ready=False, message=f"container runtime is down: {error}")
        conditions = {each["type"]: each for each in (answer.get("status") or {}).get("conditions") or ()}
        bad = [each for each in conditions.values() if not each.get("status")]
        handlers = tuple(each.get("name", "") for each in answer["runtime_handlers"]) or ("",)
        return RuntimeStatus(
            ready=bool(conditions.get("RuntimeReady", {}).get("status")),
            network_ready=bool(conditions.get("NetworkReady", {}).get("status")),
            message="; ".join(f"container runtime {each['type']}: {each.get('message', '')}" for each in bad),
            handlers=handlers,
            with_users=_with(answer, "user_namespaces"),
            with_recursive_readonly=_with(answer, "recursive_read_only_mounts"),
        )

    async def update_pod_cidr(self, cidrs: Sequence[str]) -> None:
        request = {"runtime_config": {"network_config": {"pod_cidr": ",".join(cidrs)}}}
        await self._service.call("UpdateRuntimeConfig", request, sends="UpdateRuntimeConfigRequest")
        if cidrs and not self._is_network_given:
            await asyncio.to_thread(cni.write, await self._cni_directory(), cidrs)

    async def run_sandbox(self, config: SandboxConfig, *, handler: str = "") -> str:
        kept = {translation.LOG_DIRECTORY: config.log_directory, translation.CGROUP_PARENT: config.cgroup_parent}
        if config.users is not None:
            kept[translation.USERS] = translation.users_as_text(config.users)
        config = replace(config, annotations={**config.annotations, **kept})
        request = {"config": translation.sandbox_config(config), "runtime_handler": handler}
        answer = await self._service.call(
            "RunPodSandbox", request, sends="RunPodSandboxRequest", gets="RunPodSandboxResponse", timeout=240.0
        )
        self._sandboxes[answer["pod_sandbox_id"]] = config
        await self._limit(config.cgroup_parent, config.resources)
        return str(answer["pod_sandbox_id"])

    async def stop_sandbox(self, sandbox_id: str) -> None:
        await self._on_sandbox("StopPodSandbox", sandbox_id)
        if self._directory is not None:
            await asyncio.to_thread(sub_paths.let_go, self._directory / "sub-paths" / sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self.stop_sandbox(sandbox_id)
        await self._on_sandbox("RemovePodSandbox", sandbox_id)
        self._forget_containers(sandbox_id)
        config = self._sandboxes.pop(sandbox_id, None)
        if config is not None and config.cgroup_parent:
            groups = await asyncio.to_thread(cgroups.directories_of, translation.PODS_GROUP, config.cgroup_parent)
            await asyncio.to_thread(cgroups.remove, groups)

    async def list_sandboxes(self, *, pod_uid: str = "") -> Sequence[Sandbox]:
        request = {"filter": {"label_selector": {naming.POD_UID: pod_uid}}} if pod_uid else {}
        answer = await self._service.call(
            "ListPodSandbox", request, sends="ListPodSandboxRequest", gets="ListPodSandboxResponse"
        )
        return await asyncio.gather(*map(self._sandbox, answer["items"]))

    async def create_container(self, sandbox_id: str, config: ContainerConfig) -> str:
        sandbox = self._sandboxes.get(sandbox_id) or await self._recalled(sandbox_id)
        if self._directory is not None:
            place = self._directory / "sub-paths" / sandbox_id / config.name
            config = replace(config, mounts=await asyncio.to_thread(sub_paths.pin, config.mounts, place))
        request = {
            "pod_sandbox_id": sandbox_id,
            "config": translation.container_config(config, sandbox.users),
            "sandbox_config": translation.sandbox_config(sandbox),
        }
        try:
            answer = await self._service.call(
                "CreateContainer", request, sends="CreateContainerRequest", gets="CreateContainerResponse"
            )
        except UnknownId as error:
            raise CreateFailed(str(error)) from error
        self._resources[answer["container_id"]] = sandbox_id, config.resources
        return str(answer["container_id"])

    async def start_container(self, container_id: str) -> None:
        try:
            await self._service.call("StartContainer", {"container_id": container_id}, sends="ContainerId")
        except RuntimeFailure as error:
            raise StartFailed(str(error)) from error

    async def stop_container(self, container_id: str, grace: timedelta) -> None:
        seconds = max(0, round(grace.total_seconds()))
        request = {"container_id": container_id, "timeout": seconds}
        try:
            await self._service.call("StopContainer", request, sends="StopContainerRequest", timeout=seconds + 120.0)
        except UnknownId:
            return

    async def remove_container(self, container_id: str) -> None:
        await self.stop_container(container_id, timedelta(0))
        try:
            await self._service.call("RemoveContainer", {"container_id": container_id}, sends="ContainerId")
        except UnknownId:
            return
        finally:
            self._finished.pop(container_id, None)
            self._resources.pop(container_id, None)

    async def list_containers(self, *, pod_uid: str = "") -> Sequence[Container]:
        request = {"filter": {"label_selector": {naming.POD_UID: pod_uid}}} if pod_uid else {}
        answer = await self._service.call(
            "ListContainers", request, sends="ListContainersRequest", gets="ListContainersResponse"
        )
        found = await asyncio.gather(*map(self._container, answer["containers"]))
        return [container for container in found if container is not None]

    async def container_status(self, container_id: str) -> Container:
        request = {"filter": {"id": container_id}}
        answer = await self._service.call(
            "ListContainers", request, sends="ListContainersRequest", gets="ListContainersResponse"
        )
        found = await self._container(answer["containers"][0]) if answer["containers"] else None
        if found is None:
            raise UnknownId(f"container {container_id}: no such container")
        return found

    async def update_sandbox(self, sandbox_id: str, resources: Resources) -> None:
        sandbox = self._sandboxes.get(sandbox_id) or await self._recalled(sandbox_id)
        await self._limit(sandbox.cgroup_parent, resources)

    async def limit_pods(self, resources: Resources) -> bool:
        groups = await asyncio.to_thread(cgroups.Hierarchies.find, translation.PODS_GROUP, parent="")
        await asyncio.to_thread(groups.limit, resources)
        return bool(groups.version)

    async def _limit(self, parent: str, resources: Resources) -> None:
        """Limit a pod as a whole: its group is the node's affair, which the runtime only puts containers in."""
        directories = await asyncio.to_thread(cgroups.directories_of, translation.PODS_GROUP, parent)
        await asyncio.to_thread(cgroups.limit, directories, resources, is_whole_pod=True)

    async def update_resources(self, container_id: str, resources: Resources) -> None:
        request = {"container_id": container_id, "linux": translation.resources(resources)}
        await self._service.call("UpdateContainerResources", request, sends="UpdateContainerResourcesRequest")
        known = self._resources.get(container_id)
        sandbox_id = known[0] if known else (await self.container_status(container_id)).sandbox_id
        self._resources[container_id] = sandbox_id, resources

    async def reopen_log(self, container_id: str) -> None:
        await self._service.call("ReopenContainerLog", {"container_id": container_id}, sends="ContainerId")

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: timedelta | None) -> ExecResult:
        seconds = 0 if timeout is None else max(1, round(timeout.total_seconds()))
        request = {"container_id": container_id, "cmd": command, "timeout": seconds}
        try:
            answer = await self._service.call(
                "ExecSync", request, sends="ExecSyncRequest", gets="ExecSyncResponse",
                timeout=None if timeout is None else seconds + 30.0,
            )  # fmt: skip
        except RuntimeFailure as error:
            if "deadline" in str(error).lower() or "timed out" in str(error).lower():
                raise TimeoutError(str(error)) from error
            raise
        return ExecResult(answer.get("exit_code", 0), answer.get("stdout", b""), answer.get("stderr", b""))

    async def exec(self, container_id: str, command: Sequence[str], options: StreamOptions) -> Session:
        request = {
            "container_id": container_id, "cmd": command, "tty": options.tty, "stdin": options.stdin,
            "stdout": options.stdout, "stderr": options.stderr and not options.tty,
        }  # fmt: skip
        answer = await self._service.call("Exec", request, sends="ExecRequest", gets="StreamResponse")
        return await sessions.open_session(answer["url"], options)

    async def attach(self, container_id: str, options: StreamOptions) -> Session:
        request = {
            "container_id": container_id, "tty": options.tty, "stdin": options.stdin, "stdout": options.stdout,
            "stderr": options.stderr and not options.tty,
        }  # fmt: skip
        answer = await self._service.call("Attach", request, sends="AttachRequest", gets="StreamResponse")
        return await sessions.open_session(answer["url"], options)

    async def port_forward(self, sandbox_id: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        request = {"pod_sandbox_id": sandbox_id, "port": [port]}
        answer = await self._service.call("PortForward", request, sends="PortForwardRequest", gets="StreamResponse")
        return await sessions.open_port(answer["url"], port)

    def events(self) -> AsyncIterator[ContainerEvent]:
        return events.listen(self._service, clock=self._clock)

    async def _sandboxes_below(self, directory: Path) -> list[Sandbox]:
        found = await self.list_sandboxes()
        return [each for each in found if Path(each.log_directory or "/").is_relative_to(directory)]

    async def _cni_directory(self) -> Path:
        """Where the runtime looks for networks; containerd tells it, others look in the usual place."""
        answer = await self._service.call("Status", {"verbose": True}, sends="StatusRequest", gets="StatusResponse")
        try:
            return Path(codec.decode(answer["info"]["config"].encode())["cni"]["confDir"])
        except (LookupError, TypeError, ValueError):
            return cni.USUAL_DIRECTORY

    async def _on_sandbox(self, method: str, sandbox_id: str) -> None:
        try:
            await self._service.call(method, {"pod_sandbox_id": sandbox_id}, sends="PodSandboxId")
        except UnknownId:
            return

    async def _sandbox(self, item: dict[str, Any]) -> Sandbox:
        """A listed sandbox with its addresses, which only its status tells."""
        ips: tuple[str, ...] = ()
        if item.get("state", 0) == 0:
            try:
                answer = await self._service.call(
                    "PodSandboxStatus", {"pod_sandbox_id": item["id"]}, sends="PodSandboxId",
                    gets="PodSandboxStatusResponse",
                )  # fmt: skip
            except UnknownId:
                return translation.sandbox(item | {"state": 1}, ())
            network = (answer.get("status") or {}).get("network") or {}
            more = (each.get("ip", "") for each in network.get("additional_ips") or ())
            ips = tuple(filter(None, (network.get("ip", ""), *more)))
        return translation.sandbox(item, ips)

    async def _container(self, item: dict[str, Any]) -> Container | None:
        """A listed container with its status; None where it went meanwhile."""
        container_id = item["id"]
        if container_id in self._finished:
            return self._finished[container_id]
        try:
            answer = await self._service.call(
                "ContainerStatus", {"container_id": container_id}, sends="ContainerId", gets="ContainerStatusResponse"
            )
        except UnknownId:
            return None
        found = translation.container(answer["status"], item["pod_sandbox_id"])
        if found.resources is None and container_id in self._resources:
            found = replace(found, resources=self._resources[container_id][1])
        if found.state == "exited":
            self._finished[container_id] = found
        return found

    def _forget_containers(self, sandbox_id: str) -> None:
        """They have gone with their sandbox."""
        for key in [key for key, found in self._finished.items() if found.sandbox_id == sandbox_id]:
            del self._finished[key]
        for key in [key for key, (sandbox, _) in self._resources.items() if sandbox == sandbox_id]:
            del self._resources[key]

    async def _recalled(self, sandbox_id: str) -> SandboxConfig:
        """The configuration of a sandbox that an earlier agent made, as far as the runtime kept it."""
        for sandbox in await self.list_sandboxes():
            if sandbox.id == sandbox_id:
                kept = sandbox.annotations
                return SandboxConfig(
                    sandbox.name, sandbox.namespace, sandbox.uid, sandbox.attempt, labels=sandbox.labels,
                    annotations=kept, log_directory=kept.get(translation.LOG_DIRECTORY, ""),
                    cgroup_parent=kept.get(translation.CGROUP_PARENT, f"pod{sandbox.uid}"),
                    users=translation.users_of_text(kept.get(translation.USERS, "")),
                )  # fmt: skip
        raise UnknownId(f"sandbox {sandbox_id}: no such sandbox")


def _with(answer: dict[str, Any], feature: str) -> tuple[str, ...]:
    """The handlers that say that they have a feature."""
    return tuple(
        each.get("name", "") for each in answer["runtime_handlers"] if (each.get("features") or {}).get(feature)
    )


def _note(directory: Path, endpoint: str) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o711)
    (directory / ENDPOINT_FILE).write_text(endpoint)
