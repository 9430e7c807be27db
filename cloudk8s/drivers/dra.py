"""Drivers of dynamic resources, kubelet API v1: messages and calls.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.drivers.codec import Codec
from cloudk8s.drivers.messages import read_table
from cloudk8s.drivers.service import Service

VERSION: Final = "v1.DRAPlugin"
"""What a driver must support to be taken."""
CODEC: Final = Codec(
    read_table("""
    Claim: namespace=1 uid=2 name=3
    Device: request_names=1:*string pool_name=2 device_name=3 cdi_device_ids=4:*string
    NodePrepareResourceResponse: devices=1:*Device error=2
    NodePrepareResourcesRequest: claims=1:*Claim
    NodePrepareResourcesResponse: claims=1:map/NodePrepareResourceResponse
    NodeUnprepareResourceResponse: error=1
    NodeUnprepareResourcesRequest: claims=1:*Claim
    NodeUnprepareResourcesResponse: claims=1:map/NodeUnprepareResourceResponse
    """)
)
_SERVICE: Final = "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin"


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """A ResourceClaim."""

    namespace: str
    name: str
    uid: str

    def as_message(self) -> Mapping[str, str]:
        return {"namespace": self.namespace, "name": self.name, "uid": self.uid}


class DraDriver:
    """One driver's socket. Calls raise DriverError."""

    def __init__(self, endpoint: str) -> None:
        self._service = Service(endpoint, CODEC)

    async def prepare(self, claims: Sequence[ClaimRef]) -> Mapping[str, Any]:
        """Ready the devices of claims; by UID, each with `devices` or an `error`."""
        return await self._call("NodePrepareResources", claims)

    async def unprepare(self, claims: Sequence[ClaimRef]) -> Mapping[str, Any]:
        """The opposite; by UID, each with an `error` or nothing."""
        return await self._call("NodeUnprepareResources", claims)

    def connections(self) -> AsyncIterator[bool]:
        """Whether the driver is there, now and whenever that changes."""
        return self._service.connections()

    async def close(self) -> None:
        """Hang up."""
        await self._service.close()

    async def _call(self, method: str, claims: Sequence[ClaimRef]) -> Mapping[str, Any]:
        request = {"claims": [claim.as_message() for claim in claims]}
        sends, gets = f"{method}Request", f"{method}Response"
        answer = await self._service.call(f"{_SERVICE}/{method}", request, sends=sends, gets=gets, timeout=45.0)
        found: Mapping[str, Any] = answer["claims"]
        return found
