"""The names of the cluster: what exists, and with which records. Reads the directory, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, name_of, namespace_of, spec_of
from cloudk8s.network.dns import wire
from cloudk8s.network.dns.directory import Directory, service_of
from cloudk8s.network.dns.wire import NXDOMAIN, Record, Reply

TTL: Final = 5
"""Seconds for which clients may remember an answer: CoreDNS's default for Kubernetes."""
_VERSION: Final = "1.1.0"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, the Service it depends on (empty: any), and the name outside that it leads to."""

    reply: Reply
    owner: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class _Address:
    """One address behind a headless Service."""

    host: str
    ip: str
    ports: tuple[tuple[str, str, int], ...]
    """Name, protocol in lower case, and number."""


class Zone:
    """Answers for the cluster's domain and, backwards, for addresses that are known."""

    def __init__(self, directory: Directory, domain: str) -> None:
        self._directory = directory
        self._domain = domain.strip(".").lower()
        self._labels = tuple(self._domain.split("."))

    def holds(self, name: str) -> bool:
        """Whether a name is in the cluster's domain."""
        return name == self._domain or name.endswith(f".{self._domain}")

    def find(self, name: str, kind: int) -> Found:
        """Everything about a name of the domain."""
        labels = name.split(".")[: -len(self._labels)]
        match labels:
            case [] | ["svc"] | ["pod"]:
                return self._empty(name, kind)
            case ["dns-version"]:
                return self._reply([wire.text(name, TTL, _VERSION)], kind)
            case ["ns", "dns"]:
                return self._empty(name, kind)
            case [namespace, "svc" | "pod"]:
                exists = self._directory.has_namespace(namespace)
                return self._empty(name, kind) if exists else self._missing()
            case [dashed, namespace, "pod"]:
                return self._pod(name, dashed, namespace, kind)
            case [*rest, service, namespace, "svc"]:
                return self._service(name, rest, service, namespace, kind)
        return self._missing()

    def reverse(self, name: str, kind: int) -> Found | None:
        """The name of an address; None where the cluster does not know it."""
        address = _reversed_address(name)
        if address is None:
            return None
        if found := self._directory.service_at(address):
            target = f"{name_of(found)}.{namespace_of(found)}.svc.{self._domain}"
            return self._reply([wire.pointer(name, TTL, target)], kind)
        records = [
            wire.pointer(name, TTL, f"{entry.host}.{service_of(item)}.{namespace_of(item)}.svc.{self._domain}")
            for item in self._directory.slices_at(address)
            if self._is_headless(namespace_of(item), service_of(item))
            for entry in _entries([item])
            if str(ip_address(entry.ip)) == address
        ]
        return self._reply(list(dict.fromkeys(records)), kind) if records else None

    def _service(self, name: str, rest: Sequence[str], service: str, namespace: str, kind: int) -> Found:
        owner, found = key(namespace, service), self._directory.service(namespace, service)
        if found is None:
            return self._missing(owner)
        spec = spec_of(found)
        if spec.get("type") == "ExternalName":
            return self._external(name, spec, owner) if not rest else self._missing(owner)
        match rest:
            case []:
                if self._is_headless(namespace, service):
                    entries = list(_entries(self._directory.slices(namespace, service)))
                    records = [wire.address(name, TTL, entry.ip) for entry in entries]
                    return self._reply(list(dict.fromkeys(records)), kind, owner)
                return self._reply([wire.address(name, TTL, ip) for ip in _ips(spec)], kind, owner)
            case [str(port), str(protocol)] if port.startswith("_") and protocol.startswith("_"):
                return self._ports(name, found, port[1:], protocol[1:], kind)
            case [host]:
                entries = [
                    entry for entry in _entries(self._directory.slices(namespace, service)) if entry.host == host
                ]
                records = [wire.address(name, TTL, entry.ip) for entry in entries]
                return self._reply(list(dict.fromkeys(records)), kind, owner)
        return self._missing(owner)

    def _ports(self, name: str, service: Object, port: str, protocol: str, kind: int) -> Found:
        """SRV records: one to a Service with an address, one for each endpoint of a headless one."""
        spec, namespace = spec_of(service), namespace_of(service)
        owner, whole = key(namespace, name_of(service)), f"{name_of(service)}.{namespace}.svc.{self._domain}"
        if not self._is_headless(namespace, name_of(service)):
            numbers = [
                int(item["port"])
                for item in spec.get("ports") or ()
                if item.get("name") == port and (item.get("protocol") or "TCP").lower() == protocol
            ]
            glue = [wire.address(whole, TTL, ip) for ip in _ips(spec)]
            records = [wire.service(name, TTL, port=number, target=whole) for number in numbers]
            return self._reply(records, kind, owner, glue)
        found = [
            (entry, number)
            for entry in _entries(self._directory.slices(namespace, name_of(service)))
            for label, spoken, number in entry.ports
            if (label, spoken) == (port, protocol)
        ]
        weight = max(1, 100 // len(found)) if found else 0
        records = [
            wire.service(name, TTL, port=number, target=f"{entry.host}.{whole}", weight=weight)
            for entry, number in found
        ]
        glue = [wire.address(f"{entry.host}.{whole}", TTL, entry.ip) for entry, _ in found]
        return self._reply(list(dict.fromkeys(records)), kind, owner, list(dict.fromkeys(glue)))

    def _external(self, name: str, spec: Any, owner: str) -> Found:
        target = str(spec.get("externalName") or "").rstrip(".").lower()
        return Found(Reply(answers=[wire.pointer(name, TTL, target, type=wire.CNAME)]), owner, target)

    def _pod(self, name: str, dashed: str, namespace: str, kind: int) -> Found:
        """The name says the address; only the namespace is looked up."""
        address = _dashed_address(dashed)
        if address is None or not self._directory.has_namespace(namespace):
            return self._missing()
        return self._reply([wire.address(name, TTL, address)], kind)

    def _is_headless(self, namespace: str, service: str) -> bool:
        found = self._directory.service(namespace, service)
        return found is not None and spec_of(found).get("clusterIP") == "None"

    def _reply(self, records: Sequence[Record], kind: int, owner: str = "", glue: Sequence[Record] = ()) -> Found:
        """The records of the type asked for; a name without any record does not exist."""
        if not records:
            return self._missing(owner)
        wanted = [record for record in records if kind in (record.type, wire.ANY)]
        if not wanted:
            return Found(Reply(authority=[self._authority()]), owner)
        return Found(Reply(answers=wanted, additional=glue), owner)

    def _empty(self, name: str, kind: int) -> Found:
        """A name that exists, with nothing but what belongs to the zone itself."""
        records = []
        if name == self._domain:
            records = [self._authority(), wire.pointer(name, TTL, f"ns.dns.{self._domain}", type=wire.NS)]
        wanted = [record for record in records if kind in (record.type, wire.ANY)]
        return Found(Reply(answers=wanted, authority=[] if wanted else [self._authority()]))

    def _missing(self, owner: str = "") -> Found:
        return Found(Reply(NXDOMAIN, authority=[self._authority()]), owner)

    def _authority(self) -> Record:
        return wire.start_of_authority(self._domain, TTL, serial=self._directory.revision)


def _entries(slices: Iterable[Object]) -> Iterator[_Address]:
    """The ready endpoints of a headless Service; one without a host name has its address for one."""
    for item in slices:
        ports = tuple(
            (port.get("name") or "", (port.get("protocol") or "TCP").lower(), int(port.get("port") or 0))
            for port in item.get("ports") or ()
        )
        for endpoint in item.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is False or item.get("addressType") == "FQDN":
                continue
            for ip in endpoint.get("addresses") or ():
                yield _Address(endpoint.get("hostname") or ip.replace(".", "-").replace(":", "-"), ip, ports)


def _ips(spec: Any) -> list[str]:
    return [ip for ip in spec.get("clusterIPs") or [spec.get("clusterIP")] if ip and ip != "None"]


def _dashed_address(text: str) -> str | None:
    """`10-244-0-5` or `fd00--5` as an address."""
    for candidate in (text.replace("-", "."), text.replace("-", ":")):
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
    return None


def _reversed_address(name: str) -> str | None:
    """The address that an `in-addr.arpa` or `ip6.arpa` name is about."""
    try:
        if name.endswith(".in-addr.arpa"):
            return str(IPv4Address(".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))))
        if name.endswith(".ip6.arpa"):
            digits = "".join(reversed(name.removesuffix(".ip6.arpa").split(".")))
            return str(IPv6Address(":".join(digits[start : start + 4] for start in range(0, 32, 4))))
    except ValueError:
        return None
    return None
