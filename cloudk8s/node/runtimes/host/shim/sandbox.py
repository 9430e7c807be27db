"""Hold a pod's shared namespaces: a process that does nothing, for as long as the sandbox is there.

As the first process of a shared PID namespace it also collects the pod's orphans.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from cloudk8s.node.runtimes.host.shim import namespaces, network, syscalls, wire

_FLAGS = namespaces.KINDS


def run(request: dict[str, Any], connection: socket.socket) -> None:
    """Make the namespaces, set them up, answer with the holder's pid and stay."""
    outside = network.open_route_socket()
    unshared: list[str] = request["unshare"]
    if "user" in unshared:
        namespaces.new_user_namespace()
    syscalls.unshare(sum(_FLAGS[kind] for kind in unshared if kind != "user"))
    if "pid" in unshared and os.fork() > 0:
        os._exit(0)
    if "uts" in unshared and request.get("hostname"):
        socket.sethostname(request["hostname"])
    if "net" in unshared:
        network.connect(request.get("network", {}), outside, os.getpid())
    outside.close()
    _set_sysctls(request.get("sysctls", {}))
    record = wire.own_record()
    wire.write_json(request["directory"], "holder.json", record)
    wire.send(connection, record)
    connection.close()
    _hold()


def _set_sysctls(sysctls: dict[str, str]) -> None:
    for name, value in sysctls.items():
        with open(f"/proc/sys/{name.replace('.', '/')}", "w", encoding="ascii") as file:
            file.write(value)


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
