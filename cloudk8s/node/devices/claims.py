"""ResourceClaims of pods: their drivers ready the devices before the pod starts, and take them back after its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, status_of, uid_of
from cloudk8s.client.resources import RESOURCE_CLAIMS
from cloudk8s.drivers.dra import VERSION, ClaimRef, DraDriver
from cloudk8s.drivers.registration import PluginInfo
from cloudk8s.errors import CloudK8sError
from cloudk8s.kernel.files import write_whole
from cloudk8s.machinery import codec
from cloudk8s.node.devices.slices import AbandonedSlices
from cloudk8s.node.plugins.watcher import PluginRefused
from cloudk8s.node.pods.pod import Container

FILE: Final = "dra_manager_state"


class NotPrepared(Exception):
    """A pod's claims are not ready; it is tried again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A claim whose devices are ready here, and the pods that use it."""

    namespace: str
    name: str
    uid: str
    drivers: tuple[str, ...]
    pods: tuple[str, ...] = ()
    devices: tuple[Mapping[str, Any], ...] = ()
    """Each with `requests` and `cdi`."""

    @property
    def reference(self) -> ClaimRef:
        return ClaimRef(self.namespace, self.name, self.uid)


class ResourceClaims:
    """Fulfils `PluginHandler` for drivers. What is ready is on disk, so that it is taken back after a restart, too."""

    def __init__(self, path: Path, client: Client, slices: AbandonedSlices) -> None:
        self._path, self._client, self._slices = path, client, slices
        self._drivers: dict[str, DraDriver] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._prepared: dict[str, Prepared] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Learn what an earlier agent had readied."""
        for entry in await asyncio.to_thread(_read, self._path):
            fields = {**entry, **{key: tuple(entry[key]) for key in ("drivers", "pods", "devices")}}
            self._prepared[entry["uid"]] = Prepared(**fields)

    async def register(self, info: PluginInfo) -> None:
        if VERSION not in info.versions:
            raise PluginRefused(f"DRA driver {info.name}: none of {list(info.versions)} is supported, {VERSION} is")
        await self._leave(info.name)
        driver = self._drivers[info.name] = DraDriver(info.endpoint)
        self._slices.came(info.name)
        self._watches[info.name] = asyncio.create_task(self._watch(info.name, driver), name=f"driver {info.name}")

    async def deregister(self, info: PluginInfo) -> None:
        if await self._leave(info.name):
            self._slices.went(info.name)

    async def close(self) -> None:
        """Hang up everywhere."""
        for name in list(self._drivers):
            await self._leave(name)

    async def prepare(self, pod: Object) -> None:
        """Have all claims of a pod readied; raises NotPrepared."""
        if not spec_of(pod).get("resourceClaims"):
            return
        async with self._lock:
            for name in _claim_names(pod).values():
                await self._prepare_one(pod, name)

    async def release(self, pod_uid: str) -> None:
        """The pod has ended: take back what no other pod uses; raises NotPrepared where a driver can't yet."""
        async with self._lock:
            for claim in [each for each in self._prepared.values() if pod_uid in each.pods]:
                others = tuple(uid for uid in claim.pods if uid != pod_uid)
                if not others:
                    await self._unprepare(claim)
                    del self._prepared[claim.uid]
                else:
                    self._prepared[claim.uid] = replace(claim, pods=others)
                await self._save()

    @property
    def holders(self) -> frozenset[str]:
        """The UIDs of all pods with claims that are ready."""
        return frozenset(uid for claim in self._prepared.values() for uid in claim.pods)

    def devices(self, pod: Object, container: Container) -> Sequence[str]:
        """The CDI names of the devices that a container asks for."""
        wanted = (container.get("resources") or {}).get("claims") or ()
        names, found = _claim_names(pod) if wanted else {}, list[str]()
        for each in wanted:
            claim = self._claim_of(pod, names.get(each["name"], ""))
            for device in claim.devices if claim is not None else ():
                if _is_asked_for(device["requests"], each.get("request") or ""):
                    found += device["cdi"]
        return list(dict.fromkeys(found))

    async def _watch(self, name: str, driver: DraDriver) -> None:
        """A driver that crashed leaves its registration behind."""
        was_there = True
        async for is_there in driver.connections():
            if is_there:
                self._slices.came(name)
            elif was_there:
                self._slices.went(name)
            was_there = is_there

    async def _leave(self, name: str) -> bool:
        """Hang up one driver; False where it was not known."""
        driver, watch = self._drivers.pop(name, None), self._watches.pop(name, None)
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if driver is not None:
            await driver.close()
        return driver is not None

    def _claim_of(self, pod: Object, name: str) -> Prepared | None:
        mine = (each for each in self._prepared.values() if uid_of(pod) in each.pods)
        return next((each for each in mine if each.name == name), None)

    async def _prepare_one(self, pod: Object, name: str) -> None:
        claim = await self._read_claim(pod, name)
        known = self._prepared.get(uid_of(claim))
        if known is None:
            results = ((status_of(claim)["allocation"].get("devices") or {}).get("results")) or ()
            drivers = tuple(dict.fromkeys(each["driver"] for each in results))
            known = Prepared(namespace_of(claim), name_of(claim), uid_of(claim), drivers)
            known = replace(known, devices=tuple([each async for each in self._readied(known)]))
        if uid_of(pod) not in known.pods:
            self._prepared[known.uid] = replace(known, pods=(*known.pods, uid_of(pod)))
            await self._save()

    async def _read_claim(self, pod: Object, name: str) -> Object:
        try:
            claim = await self._client.get(RESOURCE_CLAIMS, name, namespace=namespace_of(pod))
        except CloudK8sError as error:
            raise NotPrepared(f"fetch ResourceClaim {namespace_of(pod)}/{name}: {error}") from error
        if not status_of(claim).get("allocation"):
            raise NotPrepared(f"ResourceClaim {name} is not allocated")
        if not any(each["uid"] == uid_of(pod) for each in status_of(claim).get("reservedFor") or ()):
            raise NotPrepared(f"pod {name_of(pod)}({uid_of(pod)}) is not allowed to use ResourceClaim {name}")
        return claim

    async def _readied(self, claim: Prepared) -> AsyncIterator[Mapping[str, Any]]:
        for name in claim.drivers:
            answer = await self._ask(name, "prepare", claim)
            for device in answer.get("devices") or ():
                yield {"requests": list(device["request_names"]), "cdi": list(device["cdi_device_ids"])}

    async def _unprepare(self, claim: Prepared) -> None:
        for name in claim.drivers:
            await self._ask(name, "unprepare", claim)

    async def _ask(self, name: str, what: str, claim: Prepared) -> Mapping[str, Any]:
        driver = self._drivers.get(name)
        if driver is None:
            raise NotPrepared(f"DRA driver {name} is not registered")
        try:
            answers = await (driver.prepare if what == "prepare" else driver.unprepare)([claim.reference])
        except CloudK8sError as error:
            raise NotPrepared(f"{what} resources of claim {claim.name}: {error}") from error
        answer = answers.get(claim.uid)
        if answer is None or answer.get("error"):
            why = "the driver left it out" if answer is None else answer["error"]
            raise NotPrepared(f"{what} resources of claim {claim.name}: {why}")
        found: Mapping[str, Any] = answer
        return found

    async def _save(self) -> None:
        entries = [asdict(each) for each in self._prepared.values()]
        await asyncio.to_thread(write_whole, self._path, codec.encode(entries))


def _claim_names(pod: Object) -> Mapping[str, str]:
    """The claims by what the pod calls them; those of templates have been made, or not been needed."""
    made = {each["name"]: each.get("resourceClaimName") for each in status_of(pod).get("resourceClaimStatuses") or ()}
    named = {each["name"]: each.get("resourceClaimName") for each in spec_of(pod).get("resourceClaims") or ()}
    missing = [name for name, claim in named.items() if not claim and name not in made]
    if missing:
        raise NotPrepared(f"the ResourceClaim for {missing[0]} has not been made yet")
    return {name: str(claim) for name, claim in {**named, **made}.items() if claim}


def _is_asked_for(requests: Iterable[str], wanted: str) -> bool:
    """A device without requests is of all; one of several alternatives is called REQUEST/ALTERNATIVE."""
    names = list(requests)
    return not wanted or not names or any(name.partition("/")[0] == wanted for name in names)


def _read(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        found: Sequence[Mapping[str, Any]] = codec.decode(path.read_bytes())
    except (OSError, ValueError):
        return ()
    return found
