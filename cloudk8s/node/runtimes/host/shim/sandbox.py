"""Hold a pod's shared namespaces: a process that does nothing, for as long as the sandbox is there.

As the first process of a shared PID namespace it also collects the pod's orphans. Where the pod has users of its own,
the holder is none of the host's any more: what only the host's root may do is done beside it, by its parent.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from cloudk8s.node.runtimes.host.shim import namespaces, network, syscalls, wire

_FLAGS = namespaces.KINDS
Request = dict[str, Any]


def run(request: Request, connection: socket.socket) -> None:
    """Make the namespaces, set them up, answer with the holder's pid and stay."""
    if request.get("users"):
        _run_beside(request, connection)
        return
    outside = network.open_route_socket()
    if "user" in request["unshare"]:
        namespaces.new_user_namespace()
    _leave(request)
    if "net" in request["unshare"]:
        network.connect(request.get("network", {}), outside, os.getpid())
    outside.close()
    _set_up(request)
    record = wire.own_record()
    wire.write_json(request["directory"], "holder.json", record)
    wire.send(connection, record)
    connection.close()
    _hold()


def _run_beside(request: Request, connection: socket.socket) -> None:
    """Do the host's part for a holder with users of its own, answer, and end."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        connection.close()
        ours.close()
        _be_mapped_holder(request, theirs)
    theirs.close()
    _expect(ours)
    namespaces.write_maps(pid, int(request["users"]["first"]), int(request["users"]["length"]))
    record = _ask(ours, {"mapped": True})
    if "net" in request["unshare"]:
        with network.open_route_socket() as outside:
            network.connect(request.get("network", {}), outside, int(record["pid"]))
    wire.write_json(request["directory"], "holder.json", record)
    _ask(ours, {"connected": True})
    wire.send(connection, record)


def _be_mapped_holder(request: Request, beside: socket.socket) -> None:
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        _ask(beside, {"unshared": True})
        namespaces.become_root()
        _leave(request)
        _ask(beside, wire.own_record())
        _set_up(request)
    except OSError as error:
        wire.send(beside, {"error": str(error)})
        os._exit(1)
    wire.send(beside, {"ready": True})
    beside.close()
    _hold()


def _leave(request: Request) -> None:
    """Leave the host's namespaces; from a shared PID namespace on, in its first process."""
    unshared: list[str] = request["unshare"]
    syscalls.unshare(sum(_FLAGS[kind] for kind in unshared if kind != "user"))
    if "pid" in unshared and os.fork() > 0:
        os._exit(0)


def _set_up(request: Request) -> None:
    """Set up, from within, what the namespaces are there for."""
    unshared: list[str] = request["unshare"]
    if "uts" in unshared and request.get("hostname"):
        socket.sethostname(request["hostname"])
    if "net" in unshared:
        network.configure(request.get("network", {}))
    for name, value in request.get("sysctls", {}).items():
        with open(f"/proc/sys/{name.replace('.', '/')}", "w", encoding="ascii") as file:
            file.write(value)


def _ask(peer: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
    wire.send(peer, message)
    return _expect(peer)


def _expect(peer: socket.socket) -> dict[str, Any]:
    """The peer's next word; OSError where it is that it failed."""
    answer, _ = wire.receive(peer)
    if "error" in answer:
        raise OSError(answer["error"])
    return answer


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    while True:
        signal.sigwait({signal.SIGCHLD})
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
