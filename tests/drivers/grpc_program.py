"""A gRPC server on a Unix socket, made of a table of messages and plain functions; what drivers under test are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from cloudk8s.drivers.codec import Codec

Document = dict[str, Any]


class Refused(Exception):
    """The call fails with a code of gRPC's."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details


def unary(
    codec: Codec, gets: str, answers: str, function: Callable[[Document], Awaitable[Document]]
) -> grpc.RpcMethodHandler:
    """One call."""

    async def handle(request: Document, context: grpc.aio.ServicerContext[Any, Any]) -> Document:
        try:
            return await function(request)
        except Refused as error:
            await context.abort(error.code, error.details)
            raise

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=lambda data: codec.decode(gets, data),
        response_serializer=lambda answer: codec.encode(answers, answer),
    )


def streaming(
    codec: Codec, gets: str, answers: str, function: Callable[[Document], AsyncIterator[Document]]
) -> grpc.RpcMethodHandler:
    """A call that goes on answering."""

    async def handle(request: Document, context: object) -> AsyncIterator[Document]:
        async for answer in function(request):
            yield answer

    return grpc.unary_stream_rpc_method_handler(
        handle,
        request_deserializer=lambda data: codec.decode(gets, data),
        response_serializer=lambda answer: codec.encode(answers, answer),
    )


@asynccontextmanager
async def serving(path: Path, services: Mapping[str, Mapping[str, grpc.RpcMethodHandler]]) -> AsyncIterator[None]:
    """Serve while the block runs; `services` are by their full name, with their methods."""
    server = grpc.aio.server()
    for name, methods in services.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, dict(methods)),))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    server.add_insecure_port(f"unix://{path}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)
        path.unlink(missing_ok=True)
