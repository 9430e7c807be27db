"""Carry datagrams and pings that leave such a host: each flow is made again from here, to where it was meant to go.

Packets are read whole from raw sockets of the way out; what comes back is written there with the address of whom it
was sent to, so that within nobody sees that somebody stood between.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.flows import Client, Flows
from cloudk8s.network.rootless import packets
from cloudk8s.network.rootless.packets import Datagram, Echo

Destination = Callable[[str, int], Backend | None]
"""Where something that was sent to an address and port is taken; None where it may not go."""
_AT_ONCE = 64
_NO_PORT = 1
"""Pings have none, but a socket counts as connected only to a port that is not 0."""
_log = logging.getLogger(__name__)


class DatagramUplink:
    """UDP: one socket here for each pair of ends within. What refuses datagrams is told as ICMP tells it."""

    def __init__(
        self, datagrams: socket.socket, errors: socket.socket, destination: Destination, *, clock: Clock
    ) -> None:  # fmt: skip
        self._datagrams, self._errors, self._destination = datagrams, errors, destination
        self._flows = Flows(self._answer, clock=clock, refused=self._refuse)
        self._quoted: dict[Client, bytes] = {}

    async def run(self) -> None:
        """Carry until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._datagrams.fileno(), self._read)
        try:
            await self._flows.sweep()
        finally:
            loop.remove_reader(self._datagrams.fileno())
            self._flows.end_all()

    def _read(self) -> None:
        for packet in read_all(self._datagrams):
            found = packets.read_datagram(packet)
            if found is None:
                continue
            client, backend = found[:4], self._destination(found.target, found.target_port)
            if backend is None:
                continue
            if self._flows.backend_of(client) is None:
                self._remember(client, packet, found)
            self._flows.send(client, backend, found.data)

    def _remember(self, client: Client, packet: bytes, found: Datagram) -> None:
        """Keep the headers of a flow's first packet, which an error message repeats."""
        if len(self._quoted) > 2 * (len(self._flows) + 64):
            self._quoted = {key: head for key, head in self._quoted.items() if self._flows.backend_of(key)}
        self._quoted[client] = packet[: len(packet) - len(found.data)]

    def _answer(self, client: Client, data: bytes) -> None:
        source, source_port, target, target_port = client
        message = packets.udp(target_port, source_port, data)
        send(self._datagrams, message, sender=target, receiver=source)

    def _refuse(self, client: Client) -> None:
        message = packets.port_unreachable(self._quoted.get(client, b""))
        send(self._errors, message, sender=client[2], receiver=client[0])


class EchoUplink:
    """Pings, where this host lets its users ping (sysctl `net.ipv4.ping_group_range`); the gateway answers itself."""

    def __init__(self, echoes: socket.socket, gateway: str, destination: Destination, *, clock: Clock) -> None:
        self._echoes, self._gateway, self._destination = echoes, gateway, destination
        self._flows = Flows(self._answer, clock=clock, sockets=_ping_socket)

    async def run(self) -> None:
        """Carry until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._echoes.fileno(), self._read)
        try:
            await self._flows.sweep()
        finally:
            loop.remove_reader(self._echoes.fileno())
            self._flows.end_all()

    def _read(self) -> None:
        for packet in read_all(self._echoes):
            found = packets.read_echo(packet)
            if found is None:
                continue
            if found.target == self._gateway:
                self._reply(found, found.sequence, found.data)
            elif (backend := self._destination(found.target, _NO_PORT)) is not None:
                request = packets.echo(packets.ECHO_REQUEST, found.number, found.sequence, found.data)
                self._flows.send(found[:3], backend, request)

    def _answer(self, client: Client, data: bytes) -> None:
        """A ping socket yields ICMP messages whose number is its own; the sender within gets the number it chose."""
        if len(data) >= 8 and data[0] == packets.ECHO_REPLY:
            source, target, number = client
            self._reply(Echo(source, target, number, 0, b""), int.from_bytes(data[6:8], "big"), data[8:])

    def _reply(self, asked: Echo, sequence: int, data: bytes) -> None:
        message = packets.echo(packets.ECHO_REPLY, asked.number, sequence, data)
        send(self._echoes, message, sender=asked.target, receiver=asked.source)


def read_all(raw: socket.socket) -> Iterator[bytes]:
    """What waits at a socket, up to a number that leaves others their turn."""
    for _ in range(_AT_ONCE):
        try:
            yield raw.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            _log.debug("the way out of the host within: %s", error)
            return


def send(raw: socket.socket, message: bytes, *, sender: str, receiver: str) -> None:
    """Write a message that carries the address of somebody outside; what does not fit is lost, as datagrams may be."""
    try:
        raw.sendmsg([message], packets.sent_from(sender), 0, (receiver, 0))
    except OSError as error:
        _log.debug("an answer from %s to %s was lost: %s", sender, receiver, error)


def _ping_socket(kind: object) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    made.setblocking(False)
    return made
