"""What pods use, as far as a CRI runtime tells it; the rest is in the groups that it puts them into."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cloudk8s.node.runtimes.cri import translation
from cloudk8s.node.runtimes.cri.service import CriService
from cloudk8s.node.runtimes.host import cgroups
from cloudk8s.node.runtimes.interface import ContainerStats, NetworkStats, RuntimeFailure


class CriStatistics:
    """The part of `Runtime` that measures; who inherits it connects."""

    _service: CriService

    async def container_stats(self) -> Sequence[ContainerStats]:
        answer = await self._service.call("ListContainerStats", {}, sends="Empty", gets="ListContainerStatsResponse")
        found = [translation.stats(each) for each in answer["stats"]]
        groups = await self._groups()
        return await asyncio.to_thread(lambda: [_with_processes(each, groups.get(each.id, "")) for each in found])

    async def network_stats(self) -> Mapping[str, Sequence[NetworkStats]]:
        answer = await self._service.call(
            "ListPodSandbox", {}, sends="ListPodSandboxRequest", gets="ListPodSandboxResponse"
        )
        ready = [each["id"] for each in answer["items"] if each.get("state", 0) == 0]
        found = await asyncio.gather(*map(self._networks_of, ready))
        return {sandbox_id: networks for sandbox_id, networks in zip(ready, found, strict=True) if networks}

    async def _networks_of(self, sandbox_id: str) -> Sequence[NetworkStats]:
        """One by one: containerd tells of none while one of all is just going."""
        try:
            answer = await self._service.call(
                "PodSandboxStats", {"pod_sandbox_id": sandbox_id}, sends="PodSandboxId", gets="PodSandboxStatsResponse"
            )
        except RuntimeFailure:
            return ()
        return translation.networks(answer.get("stats") or {})

    async def _groups(self) -> Mapping[str, str]:
        """The group of the pod of each container."""
        sandboxes = await self._service.call(
            "ListPodSandbox", {}, sends="ListPodSandboxRequest", gets="ListPodSandboxResponse"
        )
        parents = {each["id"]: each["annotations"].get(translation.CGROUP_PARENT, "") for each in sandboxes["items"]}
        listed = await self._service.call(
            "ListContainers", {}, sends="ListContainersRequest", gets="ListContainersResponse"
        )
        return {each["id"]: parents.get(each["pod_sandbox_id"], "") for each in listed["containers"]}


def _with_processes(stats: ContainerStats, parent: str) -> ContainerStats:
    """CRI does not count the processes of a container; its group, which has the container's name, does. Blocks."""
    groups = cgroups.directories_of(translation.PODS_GROUP, f"{parent}/{stats.id}") if parent else ()
    return replace(stats, processes=cgroups.usage(groups).processes)
