"""Bounds on what a peer may cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may use; everything beyond is answered with an error or cut off."""

    body: int = 3 * 1024 * 1024
    """Bytes of a request body; upstream's limit. More is 413."""
    head: int = 256 * 1024
    """Bytes of a request line and its headers, give or take one read. More is 431."""
    headers: int = 256
    """Number of headers. More is 431."""
    pipelined: int = 64
    """Requests held while an earlier one is answered; beyond it the connection is not read."""
    stream_buffer: int = 1024 * 1024
    """Unsent bytes of a stream; a reader that stays above it for `stream_stall` is cut off."""
    stream_buffer_max: int = 64 * 1024 * 1024
    """Unsent bytes of a stream at which its reader is cut off at once."""
    head_timeout: timedelta = timedelta(seconds=32)
    """From the first byte of a request, or from the handshake, to the end of its headers."""
    body_timeout: timedelta = timedelta(seconds=60)
    """From the end of the headers to the end of the body."""
    idle_timeout: timedelta = timedelta(minutes=3)
    """Between two requests."""
    write_stall: timedelta = timedelta(seconds=60)
    """How long an answer may make no progress because the peer does not read."""
    stream_stall: timedelta = timedelta(seconds=10)
    linger: timedelta = timedelta(seconds=3)
    """How long input is thrown away after an error answer, so that the peer gets to read it."""
    handshake_timeout: timedelta = timedelta(seconds=15)
    drain_timeout: timedelta = timedelta(seconds=15)
    """How long a stop waits for answers under way."""
