"""Calls over gRPC to a program that listens on a Unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from cloudk8s.drivers.codec import Codec, Document
from cloudk8s.errors import CloudK8sError, UserError

if TYPE_CHECKING:
    import grpc.aio

DEFAULT_TIMEOUT = 120.0


class DriverError(CloudK8sError):
    """A program answered with an error, or not at all. `code` is gRPC's, as in `NOT_FOUND`."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"rpc error: code = {_words(code)} desc = {details}")
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether the call has surely not been carried out, nor goes on."""
        return self.code not in ("CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")


class Service:
    """One connection; it is made at the first call and made again when it broke."""

    def __init__(self, endpoint: str, codec: Codec) -> None:
        """`endpoint` is a path or a URL such as `unix:///run/csi.sock`."""
        self.endpoint = endpoint if "://" in endpoint or endpoint.startswith("unix:") else f"unix://{endpoint}"
        self._codec = codec
        self._channel: grpc.aio.Channel | None = None

    async def call(
        self, method: str, request: Document, *, sends: str, gets: str, timeout: float = DEFAULT_TIMEOUT
    ) -> dict[str, Any]:
        """One call; `method` is `package.Service/Method`. Raises DriverError."""
        grpc = _grpc()
        invoke = self._open().unary_unary(
            f"/{method}",
            request_serializer=lambda document: self._codec.encode(sends, document),
            response_deserializer=lambda data: self._codec.decode(gets, data),
        )
        try:
            answer: dict[str, Any] = await invoke(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise DriverError(error.code().name, error.details() or "") from error
        return answer

    async def stream(self, method: str, *, sends: str, gets: str) -> AsyncIterator[dict[str, Any]]:
        """The answers of a streaming call, until the other side ends it. Raises DriverError."""
        grpc = _grpc()
        invoke = self._open().unary_stream(
            f"/{method}",
            request_serializer=lambda document: self._codec.encode(sends, document),
            response_deserializer=lambda data: self._codec.decode(gets, data),
        )
        try:
            async for answer in invoke({}):
                yield answer
        except grpc.aio.AioRpcError as error:
            raise DriverError(error.code().name, error.details() or "") from error

    async def connections(self) -> AsyncIterator[bool]:
        """Whether the other side is there, now and whenever that changes; it is kept connected meanwhile."""
        ready, closed = (getattr(_grpc().ChannelConnectivity, name) for name in ("READY", "SHUTDOWN"))
        channel = self._open()
        while (state := channel.get_state(try_to_connect=True)) is not closed:
            yield state is ready
            await channel.wait_for_state_change(state)

    async def close(self) -> None:
        """Hang up."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            options = [
                ("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 16 << 20),
                ("grpc.default_authority", "localhost"), ("grpc.initial_reconnect_backoff_ms", 200),
                ("grpc.max_reconnect_backoff_ms", 2000), ("grpc.use_local_subchannel_pool", 1),
                ("grpc.client_idle_timeout_ms", 2**31 - 1),
            ]  # fmt: skip
            self._channel = _grpc().aio.insecure_channel(self.endpoint, options=options)
        return self._channel


def _grpc() -> Any:
    try:
        import grpc.aio
    except ImportError as error:
        raise UserError("drivers need gRPC; install it with: pip install 'cloudk8s[drivers]'") from error
    return grpc


def _words(code: str) -> str:
    """A code as Go spells it."""
    return "".join(part.title() for part in code.split("_")) if code != "CANCELLED" else "Canceled"
