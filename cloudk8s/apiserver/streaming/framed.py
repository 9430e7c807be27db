"""Answers in WebSocket messages for clients that ask for them: watches, an event a message, and logs.

Browsers follow clusters this way: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Literal

from cloudk8s.apiserver.http.interface import Answer, Hijack, Response, Stream
from cloudk8s.apiserver.negotiation import PROTOBUF
from cloudk8s.apiserver.streaming.bytes import SocketStream
from cloudk8s.apiserver.streaming.upgrade import NoProtocol, agree, is_websocket, offered
from cloudk8s.apiserver.streaming.websocket import WebSocket
from cloudk8s.errors import BadRequest

Form = Literal["binary", "base64", "text", "sized"]
"""`sized`: binary, without the four bytes that tell a length on streams that have no messages."""

_LOG_FORMS: Final[Mapping[str, Form]] = {"": "binary", "binary.k8s.io": "binary", "base64.binary.k8s.io": "base64"}
_BEARER: Final = "base64url.bearer.authorization.k8s.io."
_ENOUGH: Final = 1024 * 1024
"""What may wait where the writer can be made to wait, too."""
_BACKLOG: Final = 16 * 1024 * 1024
"""What may wait for a reader that is slow; one that lets it grow further is cut off."""


def log_in_messages(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """A log for a client that asked for a WebSocket; refusals stay what they are."""
    if isinstance(answer, Hijack) or answer.status != 200:
        return answer
    return _hijack(answer, headers, [name for name in _LOG_FORMS if name], lambda chosen: _LOG_FORMS[chosen])


def watch_in_messages(answer: Stream, headers: Mapping[str, str]) -> Answer:
    """A watch for whoever asks: as messages for a WebSocket, as it is for others."""
    if not is_websocket(headers):
        return answer
    names = [name for name in offered(headers) if not name.startswith(_BEARER)]
    form: Form = "sized" if answer.content_type.startswith(PROTOBUF) else "text"
    return _hijack(answer, headers, names, lambda _: form)


def _hijack(
    answer: Response | Stream, headers: Mapping[str, str], known: list[str], form: Callable[[str], Form]
) -> Hijack:  # fmt: skip
    try:
        upgrade = agree(headers, spdy=(), websocket=known)
    except NoProtocol as error:
        raise BadRequest(str(error)) from None

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = WebSocket(SocketStream(reader, writer), is_server=True)
        await _carry(answer, socket, form(upgrade.protocol))

    return Hijack(upgrade.head, take)


async def _carry(answer: Response | Stream, socket: WebSocket, form: Form) -> None:
    """Send the answer until it or the client ends."""
    messages = Messages()
    if isinstance(answer, Response):
        messages.write(answer.body if isinstance(answer.body, bytes) else b"".join(answer.body))
        messages.close()
    else:
        answer.start(messages)
    tasks = [
        asyncio.create_task(each, name="messages") for each in (_send(messages, socket, form), _until_closed(socket))
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        messages.close()
        if isinstance(answer, Stream):
            answer.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await socket.close()


async def _send(messages: Messages, socket: WebSocket, form: Form) -> None:
    with suppress(ConnectionError):
        while (data := await messages.next()) is not None:
            if form in ("text", "base64"):
                await socket.send_text((base64.b64encode(data) if form == "base64" else data).decode())
            else:
                await socket.send(data[4:] if form == "sized" else data)


async def _until_closed(socket: WebSocket) -> None:
    """What the client says is of no interest."""
    while await socket.receive() is not None:
        pass


class Messages:
    """A `StreamWriter` whose chunks are taken out as messages."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.is_paced = False
        self._taken = asyncio.Event()
        self._waiting = 0
        self._closed = False

    @property
    def is_closed(self) -> bool:
        return self._closed

    def write(self, data: bytes) -> None:
        if data:
            self._put((data,))

    def write_framed(self, chunk: bytes) -> None:
        self._put(_unframed(chunk))

    async def drain(self) -> None:
        while self._waiting > _ENOUGH and not self._closed:
            self._taken.clear()
            await self._taken.wait()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)
            self._taken.set()

    def cut_off(self) -> None:
        """What is there is still sent; a log has no other way to say that it is not whole."""
        self.close()

    def _put(self, messages: Iterable[bytes]) -> None:
        """What comes at once, as a watch's first state does, may be of any size."""
        if self._waiting > _BACKLOG:
            self.close()
        if self._closed:
            return
        for message in messages:
            self._queue.put_nowait(message)
            self._waiting += len(message)

    async def next(self) -> bytes | None:
        """The next message; None at the end."""
        piece = await self._queue.get()
        self._waiting -= len(piece or b"")
        self._taken.set()
        return piece


def _unframed(chunk: bytes) -> Iterator[bytes]:
    """The data of chunks (RFC 9112, section 7.1)."""
    at = 0
    while at < len(chunk):
        start = chunk.index(b"\r\n", at) + 2
        end = start + int(chunk[at : start - 2], 16)
        yield chunk[start:end]
        at = end + 2
