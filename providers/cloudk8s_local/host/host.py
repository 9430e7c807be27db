"""This host as a cloud: the one object that all contracts of a cluster share.

Every change is a call that can be traced (and made to fail) like a call of a remote API, is idempotent, and leaves a
state from which the next call goes on.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from cloudk8s.errors import CloudError, CloudForbidden
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.proxy.userspace.doors import Frontend
from cloudk8s.plugin import IPFamily
from cloudk8s_local.balancing.balancers import Balancers
from cloudk8s_local.balancing.design import Design, Member
from cloudk8s_local.balancing.thread import LoopThread
from cloudk8s_local.host import pool
from cloudk8s_local.host.kernel import Kernel
from cloudk8s_local.host.records import BalancerRecord, NodeRecord, RecordFile, Records, RouteRecord

T = TypeVar("T")
Mark = tuple[str, str]
"""The digests of a request that was carried out: of its shape, and of its members."""


class Trace(Protocol):
    """Told of every call; what it raises is the call's failure."""

    def before(self, call: str) -> None: ...

    def after(self, call: str) -> None: ...


class Silent:
    """Nobody looks."""

    def before(self, call: str) -> None: ...

    def after(self, call: str) -> None: ...


class Host:
    """Thread-safe. `start` takes away what a crash left behind, `close` all that is not to outlive the process."""

    def __init__(
        self, addresses: str, file: RecordFile, kernel: Kernel, *, trace: Trace | None = None,
        machines: Callable[[], Sequence[NodeRecord]] = tuple,
    ) -> None:  # fmt: skip
        self._machines = machines
        self._pools, self._file, self._kernel = pool.by_family(addresses), file, kernel
        self._trace = trace or Silent()
        self._lock = threading.RLock()
        self._thread = LoopThread("local cloud")
        self._balancers = Balancers(clock=SystemClock())
        self._marks: dict[str, Mark] = {}
        self._records = Records()
        self._is_started = False

    def start(self, nodes: Sequence[NodeRecord] = ()) -> None:
        """Read the records, note the nodes, remove what nobody owns. Idempotent."""
        with self._lock:
            if self._is_started:
                return
            self._records = replace(self._file.read(), nodes={node.name: node for node in nodes})
            owned = {address for record in self._records.balancers.values() for address in record.addresses}
            for address in self._kernel.addresses():
                if address not in owned:
                    self._kernel.remove_address(address)
            for destination in self._kernel.routes():
                if destination not in self._records.routes:
                    self._kernel.remove_route(destination)
            self._is_started = True

    def close(self) -> None:
        """Stop listening and clean the kernel's tables; the records stay, so that addresses do."""
        with self._lock:
            self._thread.run(self._balancers.forget_all())
            self._thread.close()
            self._marks.clear()
            for address in self._kernel.addresses():
                self._kernel.remove_address(address)
            for destination in self._kernel.routes():
                self._kernel.remove_route(destination)
            self._is_started = False

    # What there is

    def records(self) -> Records:
        """Everything that is remembered, and the nodes that are machines of the account."""
        return self._call("list_records", self._with_machines)

    def state(self) -> tuple[Records, Mapping[str, Mark]]:
        """The records, and the marks of load balancers that were carried out in full."""
        return self._call("list_balancers", lambda: (self._records, dict(self._marks)))

    def kernel_addresses(self) -> Collection[str]:
        return self._call("list_addresses", self._kernel.addresses)

    def kernel_routes(self) -> Mapping[str, str]:
        return self._call("list_routes", self._kernel.routes)

    def listening(self, uid: str) -> Collection[Frontend]:
        """What is listened on for a Service."""
        return self._call("list_listeners", lambda: self._balancers.listening().get(uid, ()))

    def everything(self) -> list[str]:
        """Ids of all there is, nodes left out."""
        found = [f"record/{uid}" for uid in self._records.balancers]
        found += [f"address/{address}" for address in self._kernel.addresses()]
        found += [f"mark/{uid}" for uid in self._marks]
        found += [f"listener/{item}" for items in self._balancers.listening().values() for item in items]
        return found + [f"route/{destination}" for destination in self._records.routes]

    # Load balancers

    @property
    def families(self) -> frozenset[IPFamily]:
        """The families that there are addresses of."""
        return frozenset(self._pools)

    def assign(
        self, uid: str, namespace: str, name: str, *, families: Sequence[IPFamily] = ("IPv4",), wanted: str = ""
    ) -> tuple[str, ...]:  # fmt: skip
        """The Service's addresses, one of each family in their order, chosen at the first time."""
        known = self._records.balancers.get(uid, BalancerRecord(uid, namespace, name))
        taken = {address for record in self._records.balancers.values() for address in record.addresses}
        chosen = {family: self._choose(family, known, taken, wanted) for family in families}
        record = replace(known, address=chosen.get("IPv4", ""), six=chosen.get("IPv6", ""))
        if record != known:
            self._call("assign_address", lambda: self._remember(self._records.with_balancer(record)))
        for address in set(known.addresses) - set(record.addresses):
            if address in self._kernel.addresses():
                self.remove_address(address)
        return tuple(chosen.values())

    def _choose(self, family: IPFamily, known: BalancerRecord, taken: set[str], wanted: str) -> str:
        asked = wanted if wanted and pool.family_of(wanted) == family else ""
        present = known.of_family(family)
        if present and asked in ("", present):
            return present
        return pool.choose(self._pools[family], taken, wanted=asked)

    def add_address(self, address: str) -> None:
        self._call("add_address", lambda: self._kernel.add_address(address))

    def remove_address(self, address: str) -> None:
        self._call("remove_address", lambda: self._kernel.remove_address(address))

    def open(self, uid: str, design: Design, frontend: Frontend) -> None:
        """Listen; CloudForbidden where this user may not, CloudError where something else has the port."""
        self._call("open_listener", lambda: _opened(self._thread, self._balancers, uid, design, frontend))

    def close_listener(self, uid: str, frontend: Frontend) -> None:
        self._call("close_listener", lambda: self._thread.run(self._balancers.close(uid, frontend)))

    def change(self, uid: str, design: Design, members: Sequence[Member]) -> None:
        """Send connections by this design to these members; nothing is called where that is so already."""
        if self._balancers.design(uid) == design and self._balancers.members(uid) == tuple(members):
            return
        self._call("change_balancer", lambda: self._thread.run(self._balancers.change(uid, design, members)))

    def design(self, uid: str) -> Design:
        """What a Service's balancer is now."""
        return self._balancers.design(uid)

    def mark(self, uid: str, mark: Mark) -> None:
        """Note that a request was carried out."""
        if self._marks.get(uid) != mark:
            self._call("write_mark", lambda: self._marks.__setitem__(uid, mark))

    def forget(self, uid: str) -> None:
        """Remove a load balancer, its address last."""
        record = self._records.balancers.get(uid)
        if uid in self._marks:
            self._call("delete_mark", lambda: self._marks.pop(uid, None))
        if self._balancers.listening().get(uid) or self._balancers.design(uid).addresses:
            self._call("close_listeners", lambda: self._thread.run(self._balancers.forget(uid)))
        if record is not None:
            for address in record.addresses:
                if address in self._kernel.addresses():
                    self.remove_address(address)
            self._call("release_address", lambda: self._remember(self._records.without_balancer(uid)))

    # Nodes and routes

    def set_node(self, record: NodeRecord) -> None:
        self._call("set_node", lambda: self._remember(self._records.with_node(record)))

    def remove_node(self, name: str) -> None:
        self._call("remove_node", lambda: self._remember(self._records.without_node(name)))

    def set_route(self, record: RouteRecord, *, is_own: bool) -> None:
        """Route a range; one to this host itself needs no entry in the kernel's table."""

        def write() -> None:
            if is_own:
                self._kernel.remove_route(record.destination)
            else:
                self._kernel.set_route(record.destination, record.gateway)
            self._remember(self._records.with_route(record))

        self._call("set_route", write)

    def remove_route(self, destination: str) -> None:
        def remove() -> None:
            self._kernel.remove_route(destination)
            self._remember(self._records.without_route(destination))

        self._call("remove_route", remove)

    def _with_machines(self) -> Records:
        machines = {node.name: node for node in self._machines()}
        return replace(self._records, nodes={**machines, **self._records.nodes}) if machines else self._records

    def _remember(self, records: Records) -> None:
        self._file.write(records)
        self._records = records

    def _call(self, name: str, call: Callable[[], T]) -> T:
        with self._lock:
            self._trace.before(name)
            result = call()
            self._trace.after(name)
            return result


def _opened(thread: LoopThread, balancers: Balancers, uid: str, design: Design, frontend: Frontend) -> None:
    where = f"{frontend.address} port {frontend.port}"
    try:
        thread.run(balancers.open(uid, design, frontend))
    except PermissionError as error:
        raise CloudForbidden(
            f"this user may not listen on ports below 1024, like {where}: use a higher port, run as root, or allow it "
            f"with `sysctl net.ipv4.ip_unprivileged_port_start={frontend.port}`"
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CloudError(f"something else listens on {where}") from error
        raise CloudError(f"cannot listen on {where}: {error}") from error
