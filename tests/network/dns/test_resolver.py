from __future__ import annotations

import asyncio

import pytest
from dnslib import RR, A, DNSRecord

from cloudk8s.client.resources import SERVICES
from cloudk8s.network.dns.upstream import Server
from tests.network.dns.cluster import Cluster, namespace, types
from tests.network.objects import endpoint, service, slice_of

ALIAS = {"type": "ExternalName", "externalName": "foo.example.com", "clusterIP": "", "clusterIPs": []}
HEADLESS = {"clusterIP": "None", "clusterIPs": ["None"]}


async def test_a_service_has_its_cluster_ip():
    async with Cluster().running(namespace("shop"), service()) as cluster:
        assert await cluster.data("web.shop.svc.cluster.local") == ["10.96.0.7"]
        assert await cluster.data("WEB.Shop.svc.cluster.LOCAL") == ["10.96.0.7"]
        answer = await cluster.ask("web.shop.svc.cluster.local")
        assert answer.header.aa
        assert answer.rr[0].ttl == 5


async def test_a_type_that_a_name_has_not_gives_an_empty_answer_with_the_authority():
    async with Cluster().running(namespace("shop"), service()) as cluster:
        answer = await cluster.ask("web.shop.svc.cluster.local", "AAAA")
        assert (answer.header.rcode, answer.rr, types(answer.auth)) == (0, [], ["SOA"])


async def test_dual_stack_services_have_both():
    both = service(clusterIPs=["10.96.0.7", "fd00:96::7"])
    async with Cluster().running(namespace("shop"), both) as cluster:
        assert await cluster.data("web.shop.svc.cluster.local", "AAAA") == ["fd00:96::7"]


@pytest.mark.parametrize("name", ["api.shop.svc", "web.other.svc", "x.web.shop.svc", "nothing", "a.b.c.d.svc"])
async def test_names_that_do_not_exist_are_denied_with_the_authority(name):
    async with Cluster().running(namespace("shop"), service()) as cluster:
        answer = await cluster.ask(f"{name}.cluster.local")
        assert answer.header.rcode == 3
        assert types(answer.auth) == ["SOA"]
        assert str(answer.auth[0].rname) == "cluster.local."


@pytest.mark.parametrize("name", ["cluster.local", "svc.cluster.local", "shop.svc.cluster.local"])
async def test_names_above_services_exist_without_addresses(name):
    async with Cluster().running(namespace("shop"), service()) as cluster:
        assert await cluster.code(name) == "NOERROR"
        assert await cluster.data(name) == []


async def test_a_headless_service_has_the_addresses_of_its_ready_endpoints():
    slices = [slice_of([endpoint("10.0.0.1"), endpoint("10.0.0.2", ready=False), endpoint("10.0.0.3")])]
    async with Cluster().running(namespace("shop"), service(**HEADLESS), *slices) as cluster:
        assert sorted(await cluster.data("web.shop.svc.cluster.local")) == ["10.0.0.1", "10.0.0.3"]


async def test_a_headless_service_without_endpoints_does_not_exist():
    async with Cluster().running(namespace("shop"), service(**HEADLESS)) as cluster:
        assert await cluster.code("web.shop.svc.cluster.local") == "NXDOMAIN"


async def test_pods_of_a_headless_service_have_names():
    named = endpoint("10.0.0.1") | {"hostname": "web-0"}
    slices = [slice_of([named, endpoint("10.0.0.2")])]
    async with Cluster().running(namespace("shop"), service(**HEADLESS), *slices) as cluster:
        assert await cluster.data("web-0.web.shop.svc.cluster.local") == ["10.0.0.1"]
        assert await cluster.data("10-0-0-2.web.shop.svc.cluster.local") == ["10.0.0.2"]
        assert await cluster.code("web-9.web.shop.svc.cluster.local") == "NXDOMAIN"


async def test_named_ports_are_services_with_the_address_beside_them():
    async with Cluster().running(namespace("shop"), service()) as cluster:
        answer = await cluster.ask("_http._tcp.web.shop.svc.cluster.local", "SRV")
        assert [str(record.rdata) for record in answer.rr] == ["0 100 80 web.shop.svc.cluster.local."]
        assert [str(record.rdata) for record in answer.ar] == ["10.96.0.7"]
        assert await cluster.code("_http._udp.web.shop.svc.cluster.local", "SRV") == "NXDOMAIN"


async def test_named_ports_of_headless_services_lead_to_every_endpoint():
    named = endpoint("10.0.0.1") | {"hostname": "web-0"}
    slices = [slice_of([named, endpoint("10.0.0.2")])]
    async with Cluster().running(namespace("shop"), service(**HEADLESS), *slices) as cluster:
        assert sorted(await cluster.data("_http._tcp.web.shop.svc.cluster.local", "SRV")) == [
            "0 50 8080 10-0-0-2.web.shop.svc.cluster.local.",
            "0 50 8080 web-0.web.shop.svc.cluster.local.",
        ]


async def test_addresses_have_names():
    named = endpoint("10.0.0.1") | {"hostname": "web-0"}
    headless = service("db", **HEADLESS)
    objects = [service(), headless, slice_of([named], name="db-1", service="db")]
    async with Cluster().running(namespace("shop"), *objects) as cluster:
        assert await cluster.data("7.0.96.10.in-addr.arpa", "PTR") == ["web.shop.svc.cluster.local."]
        assert await cluster.data("1.0.0.10.in-addr.arpa", "PTR") == ["web-0.db.shop.svc.cluster.local."]


async def test_a_pods_dashed_address_is_a_name_in_its_namespace():
    async with Cluster().running(namespace("shop")) as cluster:
        assert await cluster.data("10-244-0-5.shop.pod.cluster.local") == ["10.244.0.5"]
        assert await cluster.data("fd00--5.shop.pod.cluster.local", "AAAA") == ["fd00::5"]
        assert await cluster.code("10-244-0-5.other.pod.cluster.local") == "NXDOMAIN"
        assert await cluster.code("web.shop.pod.cluster.local") == "NXDOMAIN"


async def test_the_version_of_the_schema_is_told():
    async with Cluster().running() as cluster:
        assert await cluster.data("dns-version.cluster.local", "TXT") == ['"1.1.0"']


async def test_an_external_name_is_an_alias_even_if_nobody_knows_where_to():
    async with Cluster().running(namespace("shop"), service(**ALIAS)) as cluster:
        assert await cluster.data("web.shop.svc.cluster.local") == ["foo.example.com."]
        assert await cluster.data("web.shop.svc.cluster.local", "CNAME") == ["foo.example.com."]


async def test_an_alias_within_the_cluster_is_followed():
    alias = service("shortcut", **(ALIAS | {"externalName": "web.shop.svc.cluster.local"}))
    async with Cluster().running(namespace("shop"), service(), alias) as cluster:
        assert await cluster.data("shortcut.shop.svc.cluster.local") == ["web.shop.svc.cluster.local.", "10.96.0.7"]


async def test_a_change_is_seen_at_once():
    async with Cluster().running(namespace("shop"), service()) as cluster:
        assert await cluster.code("api.shop.svc.cluster.local") == "NXDOMAIN"
        assert await cluster.data("web.shop.svc.cluster.local") == ["10.96.0.7"]
        await cluster.add(service("api", clusterIP="10.96.0.8", clusterIPs=["10.96.0.8"]))
        assert await cluster.data("api.shop.svc.cluster.local") == ["10.96.0.8"]
        await cluster.client.delete(SERVICES, "web", namespace="shop")
        await asyncio.sleep(0.01)
        assert await cluster.code("web.shop.svc.cluster.local") == "NXDOMAIN"
        assert await cluster.code("7.0.96.10.in-addr.arpa", "PTR") == "SERVFAIL"


async def test_answers_that_do_not_fit_are_cut_for_datagrams_and_whole_by_stream():
    slices = [slice_of([endpoint(f"10.0.1.{number}") for number in range(100)])]
    async with Cluster().running(namespace("shop"), service(**HEADLESS), *slices) as cluster:
        short = await cluster.ask("web.shop.svc.cluster.local")
        assert (short.header.tc, short.rr) == (1, [])
        assert len((await cluster.ask("web.shop.svc.cluster.local", is_tcp=True)).rr) == 100


async def test_senders_that_know_extensions_get_larger_answers():
    slices = [slice_of([endpoint(f"10.0.1.{number}") for number in range(40)])]
    async with Cluster().running(namespace("shop"), service(**HEADLESS), *slices) as cluster:
        query = DNSRecord.question("web.shop.svc.cluster.local")
        query.add_ar(_edns(4096))
        for _ in range(2):
            answer = DNSRecord.parse(cluster.resolver.answer_at_once(bytes(query.pack())))
            assert len(answer.rr) == 40
            assert types(answer.ar) == ["OPT"]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 11, bytes(12) + b"\x3fabc", b"\0\0\x01\0\0\2" + bytes(20)])
async def test_what_is_no_query_does_no_harm(data):
    async with Cluster().running() as cluster:
        found = cluster.resolver.answer_at_once(data)
        assert isinstance(found, bytes)
        assert len(found) in (0, 12)


async def test_other_names_are_asked_outside_once_and_remembered_with_less_time():
    async with _outside() as (server, asked), Cluster().running(upstream=[server]) as cluster:
        answers = await asyncio.gather(*(cluster.ask("www.example.com") for _ in range(5)))
        assert {str(answer.rr[0].rdata) for answer in answers} == {"198.51.100.1"}
        assert len(asked) == 1
        await cluster.clock.advance(10)
        assert (await cluster.ask("www.example.com")).rr[0].ttl == 50
        await cluster.clock.advance(25)
        await cluster.ask("www.example.com")
        assert len(asked) == 2


async def test_an_external_name_is_resolved_outside():
    objects = [namespace("shop"), service(**(ALIAS | {"externalName": "www.example.com"}))]
    async with _outside() as (server, _), Cluster().running(*objects, upstream=[server]) as cluster:
        assert await cluster.data("web.shop.svc.cluster.local") == ["www.example.com.", "198.51.100.1"]


async def test_a_dead_resolver_is_passed_over():
    async with _outside() as (server, _):
        dead = Server("127.0.0.1", 1)
        async with Cluster().running(upstream=[dead, server]) as cluster:
            assert await cluster.data("www.example.com") == ["198.51.100.1"]


async def test_nobody_to_ask_is_a_failure():
    async with Cluster().running() as cluster:
        assert await cluster.code("www.example.com") == "SERVFAIL"


def _edns(size: int) -> RR:
    from dnslib import EDNS0

    return EDNS0(udp_len=size)


class _outside:
    """A resolver outside the cluster that knows one name."""

    async def __aenter__(self):
        asked: list[str] = []

        class Protocol(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, addr):
                query = DNSRecord.parse(data)
                asked.append(str(query.q.qname))
                reply = query.reply()
                reply.add_answer(RR(query.q.qname, rdata=A("198.51.100.1"), ttl=60))
                reply.add_ar(_edns(1232))
                self.transport.sendto(reply.pack(), addr)

        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
        return Server(*self._transport.get_extra_info("sockname")), asked

    async def __aexit__(self, *error):
        self._transport.close()
