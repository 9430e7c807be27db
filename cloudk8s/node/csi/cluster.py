"""What CSI on the node reads from the API: drivers' objects, attachments, secrets, tokens."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.client.resources import CSI_DRIVERS, SECRETS, VOLUME_ATTACHMENTS
from cloudk8s.drivers.csi.names import attachment_name
from cloudk8s.errors import Forbidden, NotFound
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.node.csi.volume import CsiVolume, SecretReference
from cloudk8s.node.volumes.interface import VolumeError

TOKENS: Final = "csi.storage.k8s.io/serviceAccount.tokens"
_ATTACH_SECONDS: Final = 60.0


class CsiCluster:
    """Reads; never writes."""

    def __init__(self, client: Client, tokens: TokenManager, node_name: str, *, clock: Clock) -> None:
        self._client, self._tokens, self._node_name, self._clock = client, tokens, node_name, clock

    async def driver_spec(self, name: str) -> Mapping[str, Any]:
        """The spec of a CSIDriver; one that has no object has the defaults."""
        try:
            return spec_of(await self._client.get(CSI_DRIVERS, name))
        except NotFound:
            return {}

    async def publish_context(self, volume: CsiVolume) -> Mapping[str, str]:
        """Wait until the volume is attached to this node; what its driver said about that."""
        name = attachment_name(volume.handle, volume.driver, self._node_name)
        deadline, wait = self._clock.monotonic() + _ATTACH_SECONDS, 0.1
        while True:
            status = await self._attachment_status(name)
            if status.get("attached"):
                return status.get("attachmentMetadata") or {}
            if failure := (status.get("attachError") or {}).get("message"):
                raise VolumeError(failure)
            if self._clock.monotonic() >= deadline:
                raise VolumeError(f"timed out waiting for external-attacher of {volume.driver} to attach {volume.name}")
            await self._clock.sleep(wait)
            wait = min(wait * 2, 2.0)

    async def secrets(self, reference: SecretReference) -> Mapping[str, str]:
        """The values of a secret; empty for none."""
        namespace, name = reference
        if not name:
            return {}
        try:
            found = await self._client.get(SECRETS, name, namespace=namespace)
        except (NotFound, Forbidden) as error:
            raise VolumeError(f"failed to get NodePublishSecretRef {namespace}/{name}: {error}") from error
        return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}

    async def token_context(self, pod: Object, spec: Mapping[str, Any]) -> dict[str, str]:
        """Tokens of the pod's service account that the driver asks for, by audience."""
        found = {}
        for wanted in spec.get("tokenRequests") or ():
            audience = wanted.get("audience") or ""
            seconds = wanted.get("expirationSeconds") or 3600
            token = await self._tokens.issued(pod, audience=audience, expiration_seconds=seconds)
            found[audience] = {"token": token.text, "expirationTimestamp": format_time(token.expires)}
        return {TOKENS: codec.encode(found).decode()} if found else {}

    async def _attachment_status(self, name: str) -> Mapping[str, Any]:
        """The server does not say whether there is none yet or one of another node."""
        try:
            return status_of(await self._client.get(VOLUME_ATTACHMENTS, name))
        except (NotFound, Forbidden):
            return {}
