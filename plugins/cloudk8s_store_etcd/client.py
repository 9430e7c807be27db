"""The few calls of etcd's v3 API that a store needs, over gRPC, with raw bytes for messages."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import grpc.aio

from cloudk8s.errors import SettingsError, StorageError
from cloudk8s_store_etcd import messages
from cloudk8s_store_etcd.address import Address

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
PAGE = 1000

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class RevisionNotHeld(Exception):
    """etcd does not hold that revision (any more, or yet)."""


class WatchCompacted(Exception):
    """A watch asked for revisions before `oldest`, which are gone."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"compacted at {oldest}")
        self.oldest = oldest


class Client:
    """Talks to one endpoint at a time, and to the next one when that fails."""

    def __init__(self, address: Address) -> None:
        self._address = address
        credentials = _credentials(address)
        self._channels = [_channel(endpoint, credentials) for endpoint in address.endpoints]
        self._current = 0

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()

    async def revision(self, prefix: str) -> int:
        """The newest revision of the whole etcd cluster; as cheap for many keys as for none."""
        answer = await self._range(messages.range_request(prefix, "", count_only=True))
        return answer.revision

    async def range(
        self, prefix: str, *, after: str = "", limit: int = PAGE, revision: int = 0
    ) -> messages.RangeAnswer:
        """Keys below a prefix, `after` left out; tries every endpoint. Raises RevisionNotHeld."""
        start = after + "\0" if after else prefix
        return await self._range(
            messages.range_request(start, messages.prefix_end(prefix), limit=limit, revision=revision)
        )

    async def _range(self, request: bytes) -> messages.RangeAnswer:
        for attempt in range(len(self._channels)):
            try:
                return messages.range_answer(await self._call("/etcdserverpb.KV/Range", request))
            except StorageError:
                if attempt == len(self._channels) - 1:
                    raise
        raise AssertionError("an address has at least one endpoint")

    async def write(self, key: str, value: bytes | None, expected: int | None) -> messages.TxnAnswer:
        """Compare and swap. A failed call is not tried again: it may have happened."""
        request = messages.write_request(key, value, expected)
        return messages.txn_answer(await self._call("/etcdserverpb.KV/Txn", request))

    async def compact(self, revision: int) -> None:
        """Raises RevisionNotHeld where that is done already."""
        await self._call("/etcdserverpb.KV/Compact", messages.compact_request(revision))

    async def watch(self, prefix: str, start: int) -> AsyncGenerator[list[messages.KeyValue], None]:
        """Changes below a prefix from revision `start` on; the first, empty, says that the watch stands.

        Raises WatchCompacted, and StorageError when it breaks.
        """
        call = self._channels[self._current].stream_stream("/etcdserverpb.Watch/Watch")()
        try:
            await call.write(messages.watch_request(prefix, messages.prefix_end(prefix), start))
            while (message := await call.read()) is not grpc.aio.EOF:
                answer = messages.watch_answer(message)
                if answer.compact_revision:
                    raise WatchCompacted(answer.compact_revision)
                if answer.canceled:
                    raise StorageError(f"{self._address}: the watch was cancelled: {answer.reason}")
                if answer.events or answer.created:
                    yield answer.events
        except grpc.aio.AioRpcError as error:
            raise self._failure(error) from error
        finally:
            call.cancel()
            await call.code()
        raise StorageError(f"{self._address}: the watch has ended")

    async def _call(self, method: str, request: bytes) -> bytes:
        channel = self._channels[self._current]
        try:
            answer: bytes = await channel.unary_unary(method)(request, timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                raise RevisionNotHeld from error
            raise self._failure(error) from error
        return answer

    def _failure(self, error: grpc.aio.AioRpcError) -> StorageError:
        endpoint = self._address.endpoints[self._current]
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            self._current = (self._current + 1) % len(self._channels)
        return StorageError(f"etcd at {endpoint}: {error.details() or error.code().name}")


def _channel(endpoint: str, credentials: Any) -> grpc.aio.Channel:
    if credentials is None:
        return grpc.aio.insecure_channel(endpoint, options=_OPTIONS)
    return grpc.aio.secure_channel(endpoint, credentials, options=_OPTIONS)


def _credentials(address: Address) -> Any:
    if address.ca is None:
        return None
    try:
        ca, key, cert = (path.read_bytes() if path else None for path in (address.ca, address.key, address.cert))
    except OSError as error:
        raise SettingsError(f"{address}: a certificate or key cannot be read: {error}") from error
    return grpc.ssl_channel_credentials(ca, key, cert)
