"""Addresses and interfaces of this node's sandboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cloudk8s.node.runtimes.host import sandbox_parts
from cloudk8s.node.runtimes.host.addresses import AddressPool, Network
from cloudk8s.node.runtimes.host.bridge import Bridge
from cloudk8s.node.runtimes.host.bridge_rules import HostPort
from cloudk8s.node.runtimes.host.records import SandboxRecord
from cloudk8s.node.runtimes.interface import NetworkStats

_COUNTERS = ("rx_bytes", "tx_bytes", "rx_errors", "tx_errors")


class NodeNetwork:
    """The pod network of one node; it is ready once the node has its ranges."""

    def __init__(self, directory: Path, cluster: Sequence[Network] = ()) -> None:
        self._pool, self._bridge = AddressPool(), Bridge(directory, cluster=cluster)
        self._reserved: dict[str, tuple[str, ...]] = {}
        self._ports: dict[str, tuple[HostPort, ...]] = {}
        self._changing = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether sandboxes can be given addresses."""
        return self._bridge.index > 0

    async def set_ranges(self, cidrs: Sequence[str]) -> None:
        """Use these ranges; the bridge is made or brought up to date."""
        async with self._changing:
            self._pool.set_ranges(cidrs)
            await self._bridge.set_up(list(self._pool.gateways()), self._pool.networks)
        if self._ports:
            await self._apply_ports()

    def take_over(self, records: Iterable[SandboxRecord]) -> None:
        """Learn which addresses and ports are in use; call it before the ranges are set."""
        present = [record for record in records if record.ips and not record.is_stopped]
        self._reserved = {record.id: record.ips for record in present}
        self._ports = {record.id: _host_ports(record) for record in present if record.config.port_mappings}

    async def open_ports(self, record: SandboxRecord) -> None:
        """Lead the host ports of a sandbox to it."""
        if record.config.port_mappings and record.ips:
            self._ports[record.id] = _host_ports(record)
            await self._apply_ports()

    def connect(self, sandbox_id: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Reserve addresses; returns the part of the spawner's request and the addresses."""
        used = {ip for ips in self._reserved.values() for ip in ips}
        assigned = self._pool.assign(used)
        ips = tuple(str(each.address) for each in assigned)
        self._reserved[sandbox_id] = ips
        request = sandbox_parts.network(
            assigned, bridge_index=self._bridge.index, host_interface=self._bridge.host_interface(sandbox_id)
        )
        return request, ips

    async def disconnect(self, sandbox_id: str) -> None:
        """Give addresses and interface back. Idempotent."""
        if self._ports.pop(sandbox_id, None):
            await self._apply_ports()
        if sandbox_id in self._reserved:
            await self._bridge.disconnect(sandbox_id)
            self._reserved.pop(sandbox_id, None)

    async def remove(self) -> None:
        """Take the bridge away."""
        await self._bridge.remove()

    def statistics(self) -> dict[str, Sequence[NetworkStats]]:
        """Counters by sandbox id, from the host's side of each pair: what it sends, the pod receives. Blocks."""
        return {key: [found] for key in list(self._reserved) if (found := self._counters(key)) is not None}

    async def _apply_ports(self) -> None:
        async with self._changing:
            await self._bridge.set_ports([port for ports in self._ports.values() for port in ports])

    def _counters(self, sandbox_id: str) -> NetworkStats | None:
        directory = Path("/sys/class/net", self._bridge.host_interface(sandbox_id), "statistics")
        try:
            rx, tx, rx_errors, tx_errors = (int((directory / name).read_text()) for name in _COUNTERS)
        except OSError:
            return None
        return NetworkStats("eth0", rx_bytes=tx, tx_bytes=rx, rx_errors=tx_errors, tx_errors=rx_errors)


def _host_ports(record: SandboxRecord) -> tuple[HostPort, ...]:
    return tuple(
        HostPort(each.host_ip, each.host_port, each.protocol, ip, each.container_port)
        for each in record.config.port_mappings
        for ip in record.ips
    )
