from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, finalizers_of
from cloudk8s.client.resources import IP_ADDRESSES, SERVICE_CIDRS
from cloudk8s.controllers.service_cidr import FINALIZER, ServiceCIDRController
from cloudk8s.controllers.service_ranges import ip_address_for
from tests.controllers.harness import Harness, running, service


def cidr(name: str, *ranges: str) -> Object:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR"}
    return {**kind, "metadata": {"name": name}, "spec": {"cidrs": list(ranges)}}


def held(address: str) -> Object:
    return ip_address_for(address, service("web"))


def ready(run: Harness, name: str) -> tuple[str, str, str]:
    found = condition(run.get(SERVICE_CIDRS, name), "Ready") or {}
    return found["status"], found["reason"], found["message"]


async def test_a_range_is_protected_and_ready() -> None:
    async with running(ServiceCIDRController, objects=[cidr("kubernetes", "10.96.0.0/16", "fd00::/112")]) as run:
        await run.settle()
        assert finalizers_of(run.get(SERVICE_CIDRS, "kubernetes")) == [FINALIZER]
        assert ready(run, "kubernetes") == ("True", "", "Kubernetes Service CIDR is ready")
        assert run.events() == []
        before = run.writes(SERVICE_CIDRS)
        await run.settle(5)
        assert run.writes(SERVICE_CIDRS) == before


async def test_a_range_without_addresses_goes_after_the_servers_have_noticed() -> None:
    async with running(ServiceCIDRController, objects=[cidr("more", "10.97.0.0/24")]) as run:
        await run.settle()
        await run.client.delete(SERVICE_CIDRS, "more")
        await run.settle(9)
        assert run.names(SERVICE_CIDRS) == ["more"]
        await run.settle(2)
        assert run.names(SERVICE_CIDRS) == []


async def test_a_range_stays_while_it_alone_has_an_address() -> None:
    async with running(ServiceCIDRController, objects=[cidr("more", "10.97.0.0/24"), held("10.97.0.7")]) as run:
        await run.settle()
        await run.client.delete(SERVICE_CIDRS, "more")
        await run.settle(20)
        status, reason, message = ready(run, "more")
        assert (status, reason) == ("False", "Terminating")
        assert message.startswith("There are still IPAddresses referencing the ServiceCIDR, please remove them")
        await run.client.delete(IP_ADDRESSES, "10.97.0.7")
        await run.settle()
        assert run.names(SERVICE_CIDRS) == []


async def test_a_range_that_another_one_covers_may_go() -> None:
    objects = [cidr("more", "10.97.0.0/24"), held("10.97.0.7")]
    async with running(ServiceCIDRController, objects=objects) as run:
        await run.settle()
        await run.client.delete(SERVICE_CIDRS, "more")
        await run.settle(12)
        assert run.names(SERVICE_CIDRS) == ["more"]
        run.client.add(cidr("larger", "10.97.0.0/16"))
        await run.settle()
        assert run.names(SERVICE_CIDRS) == ["larger"]


async def test_addresses_that_others_made_do_not_count() -> None:
    foreign = held("10.97.0.7")
    foreign["metadata"]["labels"]["ipaddress.kubernetes.io/managed-by"] = "me"
    async with running(ServiceCIDRController, objects=[cidr("more", "10.97.0.0/24"), foreign]) as run:
        await run.settle()
        await run.client.delete(SERVICE_CIDRS, "more")
        await run.settle(12)
        assert run.names(SERVICE_CIDRS) == []
