"""Libcloud's EC2 driver against an emulator's server, as the contract suite's world."""

from __future__ import annotations

import os
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.plugin import Instances, LoadBalancers, Machines, Networks, NodeAddress, NodeRef
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.instances import LibcloudInstances
from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
from cloudk8s_libcloud.load_balancers.contract import libcloud_load_balancers
from cloudk8s_libcloud.machines import LibcloudMachines
from cloudk8s_libcloud.nodes import id_of, provider_id
from cloudk8s_libcloud.settings import BalancerSettings, LibcloudSettings
from cloudk8s_libcloud.surroundings.networks import LibcloudNetworks
from cloudk8s_libcloud.wire import Wire

CLOUD = "cloud"
IMAGE, SIZE = "ami-12345678", "t3.small"


class Ec2World(World):
    """An account on a moto server, which answers over HTTP as EC2 does."""

    provider = "libcloud"

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self._server: Any = None

    def __enter__(self) -> Self:
        from moto.server import ThreadedMotoServer

        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        place = {"host": host, "port": port, "secure": False, "region": "us-east-1"}
        self.settings = LibcloudSettings(
            driver="ec2", key="test", secret=SecretStr("test"), options={**place, "signature_version": "4"},
            emulator=True, image=IMAGE, size=SIZE, ssh_public_key=public_key(),
            load_balancer=BalancerSettings(driver="elb", options={**place, "root": "/"}),
        )  # fmt: skip
        self._raw = Driver(self.settings)
        self._raw_balancers = BalancerDriver(self.settings, self._raw)
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
        self.wire = Wire()
        return self

    @property
    def faults(self) -> Faults:
        return self.wire.faults

    def driver(self) -> Driver:
        return Driver(self.settings, prepare=self.wire.prepare)

    def instances(self) -> Instances:
        return LibcloudInstances(self.driver(), cloud=CLOUD)

    def machines(self) -> Machines:
        return LibcloudMachines(self.driver(), self.settings, cloud=CLOUD)

    def networks(self) -> Networks:
        return LibcloudNetworks(self.driver(), self.settings)

    def load_balancers(self) -> LoadBalancers:
        driver = BalancerDriver(self.settings, self.driver(), prepare=self.wire.prepare)
        retries = Retries(attempts=2, timer=self.wire.timer)
        return libcloud_load_balancers(driver, cluster=self.cluster, cloud=CLOUD, retries=retries)

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

    def left(self) -> Collection[str]:
        """Balancers and their listeners, security groups and key pairs."""
        found = [f"{entry['name']}/{part}" for entry in self.balancers() for part in ("", *entry["listeners"])]
        groups = self.raw(lambda driver: driver.ex_get_security_groups())
        found += [group.name for group in groups if group.name.startswith("cloudk8s_")]
        return [*found, *(pair.name for pair in self.raw(lambda driver: driver.list_key_pairs()))]

    def crash_after(self, call: int) -> None:
        self.faults.crash_after = len(self.faults.mutations) + call if call else 0

    def lose_answers(self, share: float) -> None:
        self.faults.lost = share

    def throttle(self, share: float) -> None:
        self.faults.throttled = share

    def lag(self, seconds: float) -> None:
        self.wire.lag = seconds

    def refuse_deletes(self, times: int) -> None:
        self.faults.refused_deletes = times

    def settle(self) -> None:
        self.wire.timer.pause(20)

    def remove_part(self) -> str:
        def remove(driver: Any) -> str:
            entry = driver.ex_describe()[0]
            driver.ex_delete_listeners(entry["name"], entry["listeners"])
            return f"the listeners of {entry['name']}"

        return self._raw_balancers.call("raw", remove)

    def balancers(self) -> list[dict[str, Any]]:
        """All load balancers of the account, as they are."""
        return list(self._raw_balancers.call("raw", lambda driver: driver.ex_describe()))

    def balancer_tags(self, name: str) -> dict[str, str]:
        """Tags of one load balancer."""
        return dict(self._raw_balancers.call("raw", lambda driver: driver.ex_tags([name]))[name])

    def raw(self, act: Any) -> Any:
        """The account's own side: not counted, no faults."""
        return self._raw.call("raw", act)

    def _find(self, driver: Any, node: NodeRef) -> Any:
        id = id_of(node.provider_id, CLOUD)
        return next(entry for entry in driver.list_nodes() if entry.id == id)


def public_key() -> str:
    """A fresh key that may log in."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    made = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{made.decode()} somebody@example.org"


class _Id:
    def __init__(self, id: str) -> None:
        self.id = id
