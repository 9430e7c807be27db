"""Hosts, pods and clients as network namespaces, and sockets in them. Needs root."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest

T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _may_make_namespaces() -> bool:
    if os.geteuid() or not shutil.which("ip"):
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


needs_root = pytest.mark.skipif(not _may_make_namespaces(), reason="needs root and the ip command for namespaces")


class Namespace:
    """A network namespace with a thread that lives in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        ip("netns", "add", name)
        self._thread = ThreadPoolExecutor(1, initializer=self._enter)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words: str) -> str:
        """Run `ip` in the namespace."""
        return ip("-n", self.name, *words)

    def do(self, call: Callable[[], T]) -> T:
        """Call in the namespace; sockets made there stay there."""
        return self._thread.submit(call).result(30)

    def set(self, sysctl: str, value: str) -> None:
        """Set a sysctl of the namespace."""
        subprocess.run(["ip", "netns", "exec", self.name, "sysctl", "-qw", f"{sysctl}={value}"], check=True)

    def serve(
        self, port: int, *, kind: int = socket.SOCK_STREAM, address: str = "0.0.0.0", says: str = ""
    ) -> socket.socket:
        """Answer every connection, or datagram, with this namespace's name and the client's address."""
        made = self.do(lambda: _bound(kind, address, port))
        threading.Thread(target=_serve, args=(made, self.name), daemon=True).start()
        return made

    def dial(self, address: str, port: int, *, kind: int = socket.SOCK_STREAM, seconds: float = 2.0) -> tuple[str, str]:
        """Connect; returns who answered and the address it saw. OSError where nobody did."""
        made = self.do(lambda: socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind))
        with made:
            made.settimeout(seconds)
            made.connect((address, port))
            made.send(b"?")
            name, _, seen = made.recv(200).decode().partition(" ")
            return name, seen

    def close(self) -> None:
        self._thread.shutdown()
        ip("netns", "delete", self.name)

    def _enter(self) -> None:
        with open(f"/run/netns/{self.name}") as file:
            if _libc.setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@contextmanager
def namespaces(*names: str) -> Iterator[list[Namespace]]:
    """Namespaces of these names, made unique."""
    made: list[Namespace] = []
    try:
        for name in names:
            made.append(Namespace(f"{name}-{os.getpid()}"))
        yield made
    finally:
        for namespace in made:
            namespace.close()


def connect(
    host: Namespace, guest: Namespace, *, bridge: str = "", address: str, gateway: str = "", index: int = 0
) -> None:
    """A cable between two namespaces; the host's end goes into the bridge, or gets the gateway's address."""
    outer = f"v{index}"
    host.ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", guest.name)
    guest.ip("addr", "add", address, "dev", "eth0", "nodad") if ":" in address else guest.ip(
        "addr", "add", address, "dev", "eth0"
    )
    guest.ip("link", "set", "eth0", "up")
    if bridge:
        host.ip("link", "set", outer, "master", bridge)
        host.ip("link", "set", outer, "type", "bridge_slave", "hairpin", "on")
    elif gateway:
        host.ip("addr", "add", f"{gateway}/24", "dev", outer)
    host.ip("link", "set", outer, "up")
    if gateway:
        guest.ip("route", "add", "default", "via", gateway)


def _bound(kind: int, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen(64)
    return made


def _serve(made: socket.socket, says: str) -> None:
    while True:
        try:
            if made.type == socket.SOCK_STREAM:
                client, address = made.accept()
                with client:
                    client.recv(1)
                    client.send(f"{says} {address[0]}".encode())
            else:
                _, address = made.recvfrom(100)
                made.sendto(f"{says} {address[0]}".encode(), address)
        except OSError:
            return
