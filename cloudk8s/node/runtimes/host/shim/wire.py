"""Messages between the agent, the spawner and the shims: JSON lines over Unix sockets, file descriptors alongside."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

MAX_FDS = 8
_CHUNK = 65536


def send(connection: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message; a peer that has gone is not an error, its answer has no reader."""
    data = json.dumps(message).encode() + b"\n"
    try:
        if fds:
            data = data[socket.send_fds(connection, [data], list(fds)) :]
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return


def receive(connection: socket.socket) -> tuple[Message, list[int]]:
    """Read the first message of a connection and the descriptors that came with it; EOFError where there is none."""
    data, fds, _, _ = socket.recv_fds(connection, _CHUNK, MAX_FDS)
    for fd in fds:
        os.set_inheritable(fd, False)
    pieces = [data]
    while data and not data.endswith(b"\n"):
        data = connection.recv(_CHUNK)
        pieces.append(data)
    whole = b"".join(pieces)
    if not whole.endswith(b"\n"):
        raise EOFError("the peer closed the connection in the middle of a message")
    return json.loads(whole), fds


def write_json(directory: str, name: str, value: Message) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    path = os.path.join(directory, name)
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.rename(temporary, path)


def own_record() -> Message:
    """What tells this process from a later one with the same pid."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    return {"pid": int(os.readlink("/proc/self")), "start_ticks": int(fields[19]), "boot_id": boot_id}
