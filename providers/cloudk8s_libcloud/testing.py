"""Libcloud's EC2 driver against an emulator's server, as the contract suite's world."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from cloudk8s.plugin import Instances, Machines, NodeAddress, NodeRef
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.instances import LibcloudInstances
from cloudk8s_libcloud.machines import LibcloudMachines
from cloudk8s_libcloud.nodes import id_of, provider_id
from cloudk8s_libcloud.settings import LibcloudSettings

CLOUD = "cloud"
IMAGE, SIZE = "ami-12345678", "t3.small"


class Ec2World(World):
    """An account on a moto server, which answers over HTTP as EC2 does."""

    provider = "libcloud"

    def __init__(self) -> None:
        super().__init__()
        self.faults = _faults()
        self._server: Any = None

    def __enter__(self) -> Self:
        from moto.server import ThreadedMotoServer

        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        options = {"host": host, "port": port, "secure": False, "signature_version": "4", "region": "us-east-1"}
        self.settings = LibcloudSettings(
            driver="ec2", key="test", secret=SecretStr("test"), options=options, emulator=True, image=IMAGE, size=SIZE
        )
        self._raw = Driver(self.settings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def reset(self) -> Self:
        """An empty account again."""
        import http.client

        connection = http.client.HTTPConnection(*self._server.get_host_and_port())
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == 200
        connection.close()
        self.faults = _faults()
        return self

    def driver(self) -> Driver:
        return Driver(
            self.settings, before=lambda call: self.faults.before(call), after=lambda call: self.faults.after(call)
        )

    def instances(self) -> Instances:
        return LibcloudInstances(self.driver(), cloud=CLOUD)

    def machines(self) -> Machines:
        return LibcloudMachines(self.driver(), self.settings, cloud=CLOUD)

    def start_instance(self, name: str) -> NodeRef:
        made = self.raw(lambda driver: driver.create_node(name=name, size=_Id(SIZE), image=_Id(IMAGE)))
        addresses = tuple(NodeAddress("InternalIP", address) for address in made.private_ips)
        return NodeRef(name, f"uid-{name}", provider_id(CLOUD, made.id), addresses)

    def stop_instance(self, node: NodeRef) -> None:
        self.raw(lambda driver: driver.stop_node(self._find(driver, node)))

    def terminate_instance(self, node: NodeRef) -> None:
        self.raw(lambda driver: driver.destroy_node(self._find(driver, node)))

    def mutations(self) -> int:
        return len(self.faults.mutations)

    def reads(self) -> int:
        return len(self.faults.reads)

    def raw(self, act: Any) -> Any:
        """The account's own side: not counted, no faults."""
        return self._raw.call("raw", act)

    def _find(self, driver: Any, node: NodeRef) -> Any:
        id = id_of(node.provider_id, CLOUD)
        return next(entry for entry in driver.list_nodes() if entry.id == id)


class _Id:
    def __init__(self, id: str) -> None:
        self.id = id


def _faults() -> Faults:
    return Faults(mutates=lambda call: not call.startswith("list"))
