"""Forget flows that the kernel would keep sending to where they went before.

A TCP connection to a backend that is gone ends by itself. Datagrams have no end: the kernel's connection tracking goes
on translating them as it did for the first one, so entries that a change made wrong are deleted.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cloudk8s.network.proxy.model import Rule

_log = logging.getLogger(__name__)

Entrance = Callable[[Sequence[str]], list[str]]


class Flows(NamedTuple):
    """Datagram flows to an address (empty: any) and port, and to a backend (empty: any, or none)."""

    address: str
    port: int
    backend: str


def wrong_flows(old: Rule | None, new: Rule | None) -> list[Flows]:
    """The flows that a change of a rule leaves behind. Pure."""
    rule = new or old
    if rule is None or rule.key.protocol != "UDP":
        return []
    before = {backend.address for backend in (*old.cluster, *old.local)} if old else set()
    after = {backend.address for backend in (*new.cluster, *new.local)} if new else set()
    if not before:
        return [Flows(address, port, "") for address, port in _frontends(rule)] if after else []
    gone = sorted(before - after)
    return [Flows(address, port, backend) for address, port in _frontends(old or rule) for backend in gone]


class Conntrack:
    """Deletes flows by the `conntrack` command; where it is not installed they time out by themselves. Blocks."""

    def __init__(self, program: str | None, *, entrance: Entrance = list) -> None:
        self._program, self._entrance = program, entrance

    @staticmethod
    def find(*, entrance: Entrance = list) -> Conntrack:
        """What this host has; `entrance` makes of a command one that runs where the flows are."""
        program = shutil.which("conntrack", path="/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin")
        return Conntrack(program, entrance=entrance)

    def delete(self, flows: Iterable[Flows]) -> None:
        """Delete what there is of these flows."""
        for flow in flows:
            if self._program is not None:
                self._run(flow)

    def _run(self, flow: Flows) -> None:
        command = [str(self._program), "-D", "-p", "udp", "--orig-port-dst", str(flow.port)]
        command += ["-f", "ipv6"] if ":" in flow.address + flow.backend else []
        command += ["--orig-dst", flow.address] if flow.address else []
        command += ["--dst-nat", flow.backend] if flow.backend else []
        done = subprocess.run(self._entrance(command), capture_output=True, text=True, timeout=30)
        if done.returncode and "0 flow entries" not in done.stderr:
            _log.warning("stale flows were not deleted: %s", done.stderr.strip())


def _frontends(rule: Rule) -> list[tuple[str, int]]:
    found = [(rule.cluster_ip, rule.port)]
    found += [(address, rule.port) for address in (*rule.external_ips, *rule.load_balancer_ips)]
    return found + ([("", rule.node_port)] if rule.node_port else [])
