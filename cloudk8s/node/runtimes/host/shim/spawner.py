"""The spawner: a small process that forks a shim for each request: starting a container costs a fork, not Python.

It outlives the agent but nothing depends on it: shims are on their own once forked, and the agent starts a new one when
it finds none.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback

from cloudk8s.node.runtimes.host.shim import container, dial, probe, sandbox, wire

SOCKET_NAME = "spawner.sock"
_HANDLERS = {"container": container.run, "sandbox": sandbox.run, "dial": dial.run, "probe": probe.run}


def main() -> None:
    """Serve the state directory that is the working directory, until killed."""
    listener = _listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.disable()
    os.write(1, b"ready\n")
    _detach_output()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _serve(connection)
        connection.close()


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.lexists(SOCKET_NAME):
        os.unlink(SOCKET_NAME)
    listener.bind(SOCKET_NAME)
    listener.listen(512)
    wire.write_json(".", "spawner.json", wire.own_record())
    return listener


def _detach_output() -> None:
    """Leave the agent's pipes; errors go to a file of the state directory."""
    log = os.open("spawner.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open("/dev/null", os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)


def _serve(connection: socket.socket) -> None:
    """Be the shim that one request asks for; never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request, fds = wire.receive(connection)
        for fd in fds:
            os.close(fd)
        _HANDLERS[request["kind"]](request, connection)
    except BaseException as error:  # noqa: BLE001 - the agent waits for an answer, whatever it is
        traceback.print_exc()
        wire.send(connection, {"error": f"{type(error).__name__}: {error}"})
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
