"""Several sources of logins as one."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.client.interface import Object
from cloudk8s.node.pods.image_puller import CredentialSource
from cloudk8s.node.runtimes.interface import Credentials


class AllLogins:
    """Fulfils `CredentialSource`: what a pod names first, then what the node knows."""

    def __init__(self, *sources: CredentialSource) -> None:
        self._sources = sources

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        return [login for source in self._sources for login in await source.credentials(pod, reference)]
