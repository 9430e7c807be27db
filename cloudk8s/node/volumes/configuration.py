"""Volumes made of API objects: configMap, secret, downwardAPI, projected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.errors import StatusError
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.volumes import atomic_writer, payloads, removal
from cloudk8s.node.volumes.atomic_writer import File
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError
from cloudk8s.node.volumes.payloads import Payload


class ObjectSource(Protocol):
    """Where config maps and secrets come from."""

    async def config_map(self, namespace: str, name: str) -> Object | None:
        """A config map; None where there is none."""

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A secret; None where there is none."""


class TokenSource(Protocol):
    """Where service-account tokens come from."""

    async def token(self, pod: Object, *, audience: str, expiration_seconds: int) -> str:
        """A token bound to the pod, renewed before it expires."""


class ConfigurationVolumes:
    """Fulfils `VolumePlugin` for one of the four kinds."""

    changes = True

    def __init__(
        self, kind: str, *, objects: ObjectSource, tokens: TokenSource, facts: Callable[[Object], PodFacts]
    ) -> None:  # fmt: skip
        self.name = f"kubernetes.io/{_DIRECTORIES[kind]}"
        self._kind, self._objects, self._tokens, self._facts = kind, objects, tokens, facts

    def supports(self, volume: Volume) -> bool:
        return self._kind in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        source = volume[self._kind]
        mode = source.get("defaultMode")
        default_mode = payloads.DEFAULT_MODE if mode is None else int(mode)
        if self._kind == "projected":
            payload = await self._projected(pod, source, default_mode)
        elif self._kind == "secret":
            payload = await self._one(pod, "secret", {"name": source.get("secretName"), **source}, default_mode)
        else:
            payload = await self._one(pod, self._kind, source, default_mode)
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        try:
            await asyncio.to_thread(atomic_writer.write, directory, payload, group=group)
        except (OSError, ValueError) as error:
            raise VolumeError(str(error)) from error
        return Mounted(directory, readonly=True)

    async def tear_down(self, directory: Path) -> None:
        await asyncio.to_thread(removal.remove_tree, directory)

    async def _projected(self, pod: Object, source: Mapping[str, Any], default_mode: int) -> Payload:
        payload: Payload = {}
        for projection in source.get("sources") or ():
            for kind, part in projection.items():
                payload |= await self._one(pod, kind, part, default_mode)
        return payload

    async def _one(self, pod: Object, kind: str, source: Mapping[str, Any], default_mode: int) -> Payload:
        if kind == "downwardAPI":
            return payloads.downward_api(pod, source.get("items") or (), self._facts(pod), default_mode=default_mode)
        if kind == "serviceAccountToken":
            return await self._token(pod, source, default_mode)
        if kind == "configMap":
            found = await self._objects.config_map(namespace_of(pod), source["name"])
            _require(found, source, "configmap")
            return payloads.config_map(found, source, default_mode=default_mode)
        if kind == "secret":
            found = await self._objects.secret(namespace_of(pod), source["name"])
            _require(found, source, "secret")
            return payloads.secret(found, source, default_mode=default_mode)
        raise VolumeError(f"projected volume source {kind} is not supported")

    async def _token(self, pod: Object, source: Mapping[str, Any], default_mode: int) -> Payload:
        try:
            token = await self._tokens.token(
                pod,
                audience=source.get("audience") or "",
                expiration_seconds=int(source.get("expirationSeconds") or 3600),
            )
        except StatusError as error:
            raise VolumeError(f"failed to fetch token: {error}") from error
        user = _common_user(pod)
        has_group = (spec_of(pod).get("securityContext") or {}).get("fsGroup") is not None
        mode = 0o600 if user is not None or has_group else default_mode
        return {source["path"]: File(token.encode(), mode, user)}


_DIRECTORIES = {
    "configMap": "configmap",
    "secret": "secret",
    "downwardAPI": "downward-api",
    "projected": "projected",
}
KINDS = tuple(_DIRECTORIES)


def referenced(volume: Volume) -> tuple[set[str], set[str]]:
    """The names of the config maps and secrets that a volume shows."""
    sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
    config_maps = {each["configMap"]["name"] for each in sources if "configMap" in each}
    secrets = {each["secret"].get("secretName") or each["secret"].get("name") for each in sources if "secret" in each}
    return config_maps, secrets


def _require(found: Object | None, source: Mapping[str, Any], kind: str) -> None:
    if found is None and not source.get("optional"):
        raise VolumeError(f'{kind} "{source["name"]}" not found')


def _common_user(pod: Object) -> int | None:
    """The user that all containers run as, where the spec says so."""
    of_pod = (spec_of(pod).get("securityContext") or {}).get("runAsUser")
    users = {(each.get("securityContext") or {}).get("runAsUser", of_pod) for each in pods.all_containers(pod)}
    return users.pop() if len(users) == 1 else None
