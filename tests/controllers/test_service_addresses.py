from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.client.resources import IP_ADDRESSES, SERVICES
from cloudk8s.controllers.service_addresses import ServiceAddressRepair
from cloudk8s.controllers.service_node_ports import NodePortRepair
from cloudk8s.controllers.service_ranges import ip_address_for
from tests.controllers.harness import NS, Harness, running, service
from tests.controllers.test_service_cidr import cidr

RANGE = cidr("kubernetes", "10.96.0.0/16")


def with_address(name: str, address: str = "10.96.0.7") -> Object:
    return service(name, clusterIP=address, clusterIPs=[address])


def parent(run: Harness, address: str = "10.96.0.7") -> str:
    return str(spec_of(run.get(IP_ADDRESSES, address))["parentRef"]["name"])


async def test_an_address_that_nobody_holds_is_held() -> None:
    async with running(ServiceAddressRepair, objects=[RANGE, with_address("web")]) as run:
        await run.settle()
        assert parent(run) == "web"
        message = "Cluster IP [IPv4]: 10.96.0.7 is not allocated; repairing"
        assert run.events("web") == [("ClusterIPNotAllocated", message)]


async def test_what_is_right_is_not_touched() -> None:
    web = with_address("web")
    async with running(ServiceAddressRepair, objects=[RANGE, web, ip_address_for("10.96.0.7", web)]) as run:
        before = uid_of(run.get(IP_ADDRESSES, "10.96.0.7"))
        await run.settle(400, step=5)
        assert uid_of(run.get(IP_ADDRESSES, "10.96.0.7")) == before
        assert run.events() == []


async def test_an_address_held_for_a_service_that_is_gone_is_given_to_the_one_that_has_it() -> None:
    objects = [RANGE, ip_address_for("10.96.0.7", with_address("old")), with_address("web")]
    async with running(ServiceAddressRepair, objects=objects) as run:
        await run.settle()
        assert parent(run) == "web"
        message = "the ClusterIP [IPv4]: 10.96.0.7 for Service default/web has a wrong reference; repairing"
        assert ("ClusterIPNotAllocated", message) in run.events("web")


async def test_two_services_with_one_address_are_told() -> None:
    first = with_address("first")
    objects = [RANGE, first, ip_address_for("10.96.0.7", first), with_address("second")]
    async with running(ServiceAddressRepair, objects=objects) as run:
        await run.settle()
        assert parent(run) == "first"
        message = "Cluster IP [IPv4]:10.96.0.7 was assigned to multiple services; please recreate service"
        assert run.events("second") == [("ClusterIPAlreadyAllocated", message)]
        assert run.events("first") == []


async def test_an_address_outside_of_every_range_is_told() -> None:
    async with running(ServiceAddressRepair, objects=[RANGE, with_address("web", "10.200.0.1")]) as run:
        await run.settle()
        assert run.names(IP_ADDRESSES) == []
        assert [reason for reason, _ in run.events("web")] == ["ClusterIPOutOfRange"]


async def test_a_leaked_address_goes_after_a_minute() -> None:
    async with running(ServiceAddressRepair, objects=[RANGE, ip_address_for("10.96.0.7", service("gone"))]) as run:
        await run.settle(55, step=1)
        assert run.names(IP_ADDRESSES) == ["10.96.0.7"]
        await run.settle(10, step=1)
        assert run.names(IP_ADDRESSES) == []


async def test_the_address_of_a_deleted_service_goes_if_the_server_forgot_it() -> None:
    web = with_address("web")
    async with running(ServiceAddressRepair, objects=[RANGE, web, ip_address_for("10.96.0.7", web)]) as run:
        await run.settle(70, step=1)
        await run.client.delete(SERVICES, "web", namespace=NS)
        await run.settle(12, step=0.5)
        assert run.names(IP_ADDRESSES) == []


async def test_addresses_of_others_are_left_alone() -> None:
    foreign = ip_address_for("10.96.0.7", service("gone"))
    foreign["metadata"]["labels"] = {}
    async with running(ServiceAddressRepair, objects=[RANGE, foreign]) as run:
        await run.settle(100, step=5)
        assert run.names(IP_ADDRESSES) == ["10.96.0.7"]


async def test_node_ports_that_are_double_or_out_of_range_are_told() -> None:
    def on(name: str, port: int) -> Object:
        return service(name, ports=[{"port": 80, "nodePort": port}])

    objects = [on("a", 30100), on("b", 30100), on("c", 80)]
    async with running(NodePortRepair, objects=objects) as run:
        await run.settle()
        double = ("PortAlreadyAllocated", "Port 30100 was assigned to multiple services; please recreate service")
        out = ("PortOutOfRange", "Port 80 is not within the port range 30000-32767; please recreate service")
        assert sorted(run.events()) == [double, out]
