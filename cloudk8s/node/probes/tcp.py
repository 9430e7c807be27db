"""Open a TCP connection the way a probe does."""

from __future__ import annotations

import asyncio

from cloudk8s.node.probes.outcome import Outcome


async def probe(host: str, port: int) -> Outcome:
    """A connection that opens is success; the caller sets the time limit."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return Outcome(False, f"dial tcp {host}:{port}: connect: connection refused")
    except OSError as error:
        return Outcome(False, f"dial tcp {host}:{port}: {error}")
    writer.close()
    return Outcome(True)
