"""What the local cloud must not forget: addresses given to Services, nodes, routes. One small JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import codec
from cloudk8s.plugin import IPFamily


@dataclass(frozen=True, slots=True)
class BalancerRecord:
    """The addresses that belong to a Service."""

    uid: str
    namespace: str
    name: str
    address: str = ""
    """Its IPv4 address, if it has one."""
    six: str = ""
    """Its IPv6 address, if it has one."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All there are."""
        return tuple(text for text in (self.address, self.six) if text)

    def of_family(self, family: IPFamily) -> str:
        """The address of a family; empty if there is none."""
        return self.six if family == "IPv6" else self.address


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node that runs on this host."""

    name: str
    addresses: tuple[str, ...] = ()
    is_running: bool = True


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """A pod range and the address it is routed to."""

    destination: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Records:
    """Everything, by the key that finds it."""

    balancers: Mapping[str, BalancerRecord] = field(default_factory=dict)
    nodes: Mapping[str, NodeRecord] = field(default_factory=dict)
    routes: Mapping[str, RouteRecord] = field(default_factory=dict)

    def with_balancer(self, record: BalancerRecord) -> Records:
        return replace(self, balancers={**self.balancers, record.uid: record})

    def without_balancer(self, uid: str) -> Records:
        return replace(self, balancers=_without(self.balancers, uid))

    def with_node(self, record: NodeRecord) -> Records:
        return replace(self, nodes={**self.nodes, record.name: record})

    def without_node(self, name: str) -> Records:
        return replace(self, nodes=_without(self.nodes, name))

    def with_route(self, record: RouteRecord) -> Records:
        return replace(self, routes={**self.routes, record.destination: record})

    def without_route(self, destination: str) -> Records:
        return replace(self, routes=_without(self.routes, destination))


class RecordFile:
    """The file; without a path nothing outlives the process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> Records:
        """What was written last; SettingsError for a file that cannot be understood."""
        if self._path is None or not self._path.exists():
            return Records()
        try:
            found = codec.decode(self._path.read_bytes())
            return Records(
                {uid: BalancerRecord(**entry) for uid, entry in found["balancers"].items()},
                {name: _node(entry) for name, entry in found["nodes"].items()},
                {key: RouteRecord(**entry) for key, entry in found["routes"].items()},
            )
        except (ValueError, TypeError, KeyError) as error:
            raise SettingsError(f"{self._path} is damaged ({error}); remove it to start with a new one") from error

    def write(self, records: Records) -> None:
        """Replace the file as a whole."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_suffix(".new")
        temporary.write_bytes(codec.encode(asdict(records)))
        temporary.replace(self._path)


def _node(entry: Mapping[str, Any]) -> NodeRecord:
    return NodeRecord(entry["name"], tuple(entry["addresses"]), entry["is_running"])


def _without(entries: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if name != key}
