"""Config maps and secrets of this node's pods: one watch for each that a pod refers to, for as long as one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cloudk8s.client.followed import Followed, Reference
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of, uid_of
from cloudk8s.client.resources import CONFIG_MAPS, SECRETS
from cloudk8s.node.containers import environment
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.volumes import configuration as configuration_volumes
from cloudk8s.node.volumes.interface import VolumeError

PATIENCE = 10.0


class ConfigurationCache:
    """Fulfils `ObjectSource`. `on_change` is called with the UIDs of the pods that refer to what changed."""

    def __init__(self, informers: Informers, *, on_change: Callable[[str], None]) -> None:
        self._followed = Followed(informers, on_change=on_change)

    def register(self, pod: Object) -> None:
        """Follow what a pod refers to; what it no longer refers to is let go."""
        self._followed.follow(uid_of(pod), _references(pod))

    def unregister(self, uid: str) -> None:
        """Let go of everything of a pod."""
        self._followed.follow(uid, ())

    async def config_map(self, namespace: str, name: str) -> Object | None:
        return await self._get(Reference(CONFIG_MAPS, namespace, name), "configmap")

    async def secret(self, namespace: str, name: str) -> Object | None:
        return await self._get(Reference(SECRETS, namespace, name), "secret")

    async def _get(self, reference: Reference, word: str) -> Object | None:
        informer = self._followed.informer(reference)
        try:
            async with asyncio.timeout(PATIENCE):
                await informer.synced()
        except TimeoutError as error:
            raise VolumeError(f"failed to sync {word} cache: timed out waiting for the condition") from error
        return informer.get(reference.name, reference.namespace)


def _references(pod: Object) -> set[Reference]:
    found: set[Reference] = set()
    parts = [environment.referenced(container) for container in pods.all_containers(pod)]
    parts += [configuration_volumes.referenced(volume) for volume in spec_of(pod).get("volumes") or ()]
    for config_maps, secrets in parts:
        found |= {Reference(CONFIG_MAPS, namespace_of(pod), name) for name in config_maps}
        found |= {Reference(SECRETS, namespace_of(pod), name) for name in secrets}
    for reference in spec_of(pod).get("imagePullSecrets") or ():
        found.add(Reference(SECRETS, namespace_of(pod), reference.get("name", "")))
    return {key for key in found if key.name}
