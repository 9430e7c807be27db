"""Calls of a CRI service over gRPC, with its errors as those of the runtime contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from cloudk8s.node.runtimes.cri.codec import Document, decode, encode
from cloudk8s.node.runtimes.interface import (
    ImageMissing,
    ImagePullFailed,
    InvalidImageName,
    RegistryUnavailable,
    RuntimeFailure,
    UnknownId,
)

RUNTIME, IMAGE = "runtime.v1.RuntimeService", "runtime.v1.ImageService"
DEFAULT_TIMEOUT = 120.0
_MAX_MESSAGE = 16 << 20


class Unsupported(RuntimeFailure):
    """The runtime does not know this call."""


class CriService:
    """One connection to a runtime's socket, such as `unix:///run/containerd/containerd.sock`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        options = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.enable_http_proxy", 0)]
        self._channel = grpc.aio.insecure_channel(endpoint, options=options)

    async def call(
        self, method: str, request: Document, *, sends: str, gets: str = "Empty", service: str = RUNTIME,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> dict[str, Any]:  # fmt: skip
        """One call; `sends` and `gets` are messages of the table."""
        invoke = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda document: encode(sends, document),
            response_deserializer=lambda data: decode(gets, data),
        )
        try:
            answer: dict[str, Any] = await invoke(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise _failure(error, method) from error
        return answer

    async def stream(self, method: str, *, gets: str) -> AsyncIterator[dict[str, Any]]:
        """The answers of a streaming call, until the runtime ends it."""
        invoke = self._channel.unary_stream(
            f"/{RUNTIME}/{method}",
            request_serializer=lambda document: encode("Empty", document),
            response_deserializer=lambda data: decode(gets, data),
        )
        try:
            async for answer in invoke({}):
                yield answer
        except grpc.aio.AioRpcError as error:
            raise _failure(error, method) from error

    async def close(self) -> None:
        """Hang up."""
        await self._channel.close()


def _failure(error: grpc.aio.AioRpcError, method: str) -> RuntimeFailure:
    """The contract's error for a status code; the text is the runtime's own."""
    code, text = error.code(), f"rpc error: code = {error.code().name.title()} desc = {error.details()}"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Unsupported(text)
    if method == "PullImage":
        if code is grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidImageName(text)
        return RegistryUnavailable(text) if code is grpc.StatusCode.UNAVAILABLE else ImagePullFailed(text)
    if code is grpc.StatusCode.NOT_FOUND:
        return ImageMissing(text) if method in ("ImageStatus", "RemoveImage") else UnknownId(text)
    return RuntimeFailure(text)
