"""Config maps and secrets of this node's pods: one watch for each that a pod refers to, for as long as one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import namespace_of, spec_of, uid_of
from cloudk8s.client.resources import CONFIG_MAPS, SECRETS
from cloudk8s.node.containers import environment
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.volumes import configuration as configuration_volumes
from cloudk8s.node.volumes.interface import VolumeError

PATIENCE = 10.0


class _Key(NamedTuple):
    resource: Resource
    namespace: str
    name: str


class ConfigurationCache:
    """Fulfils `ObjectSource`. `on_change` is called with the UIDs of the pods that refer to what changed."""

    def __init__(self, informers: Informers, *, on_change: Callable[[str], None]) -> None:
        self._informers, self._on_change = informers, on_change
        self._users: dict[_Key, set[str]] = {}
        self._known: dict[_Key, Informer] = {}

    def register(self, pod: Object) -> None:
        """Follow what a pod refers to; what it no longer refers to is let go."""
        wanted, uid = _references(pod), uid_of(pod)
        for key in wanted:
            self._users.setdefault(key, set()).add(uid)
            self._follow(key)
        for key in [key for key, users in self._users.items() if uid in users and key not in wanted]:
            self._release(key, uid)

    def unregister(self, uid: str) -> None:
        """Let go of everything of a pod."""
        for key in [key for key, users in self._users.items() if uid in users]:
            self._release(key, uid)

    async def config_map(self, namespace: str, name: str) -> Object | None:
        return await self._get(_Key(CONFIG_MAPS, namespace, name), "configmap")

    async def secret(self, namespace: str, name: str) -> Object | None:
        return await self._get(_Key(SECRETS, namespace, name), "secret")

    async def _get(self, key: _Key, word: str) -> Object | None:
        informer = self._follow(key)
        try:
            async with asyncio.timeout(PATIENCE):
                await informer.synced()
        except TimeoutError as error:
            raise VolumeError(f"failed to sync {word} cache: timed out waiting for the condition") from error
        return informer.get(key.name, key.namespace)

    def _follow(self, key: _Key) -> Informer:
        if key not in self._known:
            selector = f"metadata.name={key.name}"
            informer = self._informers.of(key.resource, namespace=key.namespace, field_selector=selector)
            informer.add_handler(lambda old, new: self._changed(key))
            self._known[key] = informer
        return self._known[key]

    def _changed(self, key: _Key) -> None:
        for uid in self._users.get(key, ()):
            self._on_change(uid)

    def _release(self, key: _Key, uid: str) -> None:
        self._users[key].discard(uid)
        if not self._users[key]:
            del self._users[key]
            if informer := self._known.pop(key, None):
                self._informers.drop(informer)


def _references(pod: Object) -> set[_Key]:
    found: set[_Key] = set()
    parts = [environment.referenced(container) for container in pods.all_containers(pod)]
    parts += [configuration_volumes.referenced(volume) for volume in spec_of(pod).get("volumes") or ()]
    for config_maps, secrets in parts:
        found |= {_Key(CONFIG_MAPS, namespace_of(pod), name) for name in config_maps}
        found |= {_Key(SECRETS, namespace_of(pod), name) for name in secrets}
    for reference in spec_of(pod).get("imagePullSecrets") or ():
        found.add(_Key(SECRETS, namespace_of(pod), reference.get("name", "")))
    return {key for key in found if key.name}
