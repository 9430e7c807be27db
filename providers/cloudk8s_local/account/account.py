"""The account and the kernel brought together: every change is remembered before it is made, and undone before it is
forgotten, so that whoever comes next can finish what a crash interrupted.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cloudk8s.errors import CloudNotFound
from cloudk8s_local.account.file import AccountFile, Things
from cloudk8s_local.account.thing import Kind, Thing
from cloudk8s_local.host.host import Silent, Trace
from cloudk8s_local.machines.interface import HostNetworkSpec, Hosts, HostSpec

T = TypeVar("T")
_PARALLEL = 8


class Account:
    """Thread-safe, and safe beside other processes. Calls are traced like those of a remote API."""

    def __init__(self, directory: Path | None, hosts: Hosts, *, trace: Trace | None = None) -> None:
        self.directory = directory
        self.hosts = hosts
        self._file = AccountFile(directory)
        self._trace = trace or Silent()

    def list(self, kind: Kind, cluster: str = "") -> Sequence[Thing]:
        """Things of a kind, of one cluster or of all."""
        return self._call(f"list_{kind}s", lambda: [*_chosen(self._settled(), kind, cluster)])

    def everything(self) -> Mapping[str, Thing]:
        """All things by id, without a call."""
        return self._file.read()

    def create(
        self, kind: Kind, wanted: Sequence[Thing], complete: Callable[[Things, Thing], Thing]
    ) -> Sequence[Thing]:
        """Make things, or return those that are there for an id; `complete` fills in what depends on others. Raises
        what `complete` raises before anything is made.
        """

        def create() -> Sequence[Thing]:
            with self._file.locked():
                things = self._taken_up()
                for thing in wanted:
                    if thing.id not in things:
                        things[thing.id] = replace(complete(things, thing), created=time.time())
                self._file.write(things)
                return self._finish(things, [thing.id for thing in wanted])

        return self._call(f"create_{kind}", create)

    def update(self, id: str, properties: Mapping[str, Any]) -> Thing:
        """Change properties; CloudNotFound where there is no such thing."""

        def update() -> Thing:
            with self._file.locked():
                things = self._taken_up()
                if id not in things:
                    raise CloudNotFound(f"{id} does not exist")
                thing = replace(things[id], properties={**things[id].properties, **properties}, state="creating")
                things[id] = thing
                self._file.write(things)
                return self._finish(things, [id])[0]

        return self._call("update", update)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove things for good; absent is success."""

        def delete() -> None:
            with self._file.locked():
                things = self._taken_up()
                going = [id for id in ids if id in things]
                things |= {id: replace(things[id], state="deleting") for id in going}
                self._file.write(things)
                self._finish(things, going)

        self._call("delete", delete)

    def volume_directory(self, id: str) -> Path:
        """Where a volume's files are; an account without a directory has none."""
        return (self.directory or Path("/nowhere")) / "volumes" / id

    def balancer_state(self, network: str) -> str:
        """The file in which machines of a network remember who has which load balancer; empty without a directory."""
        return str(self.directory / "networks" / network / "load-balancers.json") if self.directory else ""

    def network(self, things: Mapping[str, Thing], network: str) -> HostNetworkSpec:
        """A network as the kernel's side knows it."""
        thing = things.get(network)
        if thing is None:
            raise CloudNotFound(f"network {network} does not exist")
        return HostNetworkSpec(thing.id, thing.properties["range"], tuple(thing.properties["inside"]))

    def host(self, things: Mapping[str, Thing], machine: Thing) -> HostSpec:
        """A machine as the kernel's side knows it."""
        network = self.network(things, machine.properties["network"])
        directory = self.directory / "machines" / machine.id if self.directory else None
        return HostSpec(machine.id, network, machine.properties["address"], directory)

    def _settled(self) -> Things:
        """All things; nothing is half done."""
        things = self._file.read()
        if all(thing.state == "ready" for thing in things.values()):
            return things
        with self._file.locked():
            return self._taken_up()

    def _taken_up(self) -> Things:
        """All things; what a process that died has left half done is finished first. The caller holds the lock."""
        things = self._file.read()
        if open := [id for id, thing in things.items() if thing.state != "ready"]:
            self._finish(things, open)
        return things

    def _finish(self, things: Things, ids: Sequence[str]) -> Sequence[Thing]:
        """Bring the kernel to where things shall be: many machines at once, whatever they need before them."""
        for kind in ("network", "machine", "endpoint", "volume"):
            here = [things[id] for id in ids if things[id].kind == kind and things[id].state != "deleting"]
            self._each(here, lambda thing: self._make(things, thing))
        for kind in ("endpoint", "machine", "network", "volume"):
            here = [things[id] for id in ids if things[id].kind == kind and things[id].state == "deleting"]
            self._each(here, lambda thing: self._unmake(things, thing))
        going = {id for id in ids if things[id].state == "deleting"}
        things |= {id: replace(things[id], state="ready") for id in ids if id not in going}
        done = [things[id] for id in ids if id not in going]
        for id in going:
            del things[id]
        self._file.write(things)
        return done

    def _each(self, things: Sequence[Thing], act: Callable[[Thing], None]) -> None:
        if len(things) < 2:
            for thing in things:
                act(thing)
            return
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(act, things))

    def _make(self, things: Things, thing: Thing) -> None:
        if thing.kind == "network":
            self.hosts.make_network(self.network(things, thing.id))
        elif thing.kind == "machine" and thing.state == "creating":
            self.hosts.start(self.host(things, thing))
        elif thing.kind == "endpoint":
            targets = [things[id].properties["address"] for id in thing.properties["targets"] if id in things]
            self.hosts.open_endpoint(
                self.network(things, thing.properties["network"]), thing.properties["port"], targets
            )

        elif thing.kind == "volume" and self.directory is not None:
            self.volume_directory(thing.id).mkdir(parents=True, exist_ok=True, mode=0o700)

    def _unmake(self, things: Things, thing: Thing) -> None:
        if thing.kind == "network":
            self.hosts.remove_network(self.network(things, thing.id))
            if self.directory is not None:
                shutil.rmtree(self.directory / "networks" / thing.id, ignore_errors=True)
        elif thing.kind == "machine":
            self.hosts.remove(self.host(things, thing))
        elif thing.kind == "endpoint" and thing.properties["network"] in things:
            self.hosts.close_endpoint(self.network(things, thing.properties["network"]))
        elif thing.kind == "volume" and self.directory is not None:
            shutil.rmtree(self.volume_directory(thing.id), ignore_errors=True)

    def _call(self, name: str, call: Callable[[], T]) -> T:
        self._trace.before(name)
        result = call()
        self._trace.after(name)
        return result


def _chosen(things: Mapping[str, Thing], kind: Kind, cluster: str) -> Iterable[Thing]:
    return (thing for thing in things.values() if thing.kind == kind and cluster in ("", thing.cluster))
