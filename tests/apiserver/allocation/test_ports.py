"""Who has which node port, and families of addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import InternalError, Invalid, SettingsError
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

SERVICES = "/api/v1/namespaces/default/services"
MERGE = {"Content-Type": "application/merge-patch+json"}
Port = dict[str, Any]
Serve = Callable[..., AbstractAsyncContextManager[LocalApi]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @asynccontextmanager
    async def serve(**settings: Any) -> AsyncIterator[LocalApi]:
        made = ClusterSettings(data_dir=tmp_path, port=0, store="memory://", **settings)
        async with running_api_server(made) as server:
            yield server.assembly.local(ADMIN, agent="test")

    return serve


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[LocalApi]:
    async with serve(service_node_port_range="30000-30003") as api:
        yield api


async def sent(api: LocalApi, method: str, path: str, body: Any = None, **query: str) -> Any:
    headers = MERGE if method == "PATCH" else None
    return codec.decode(joined(await api.call(method, path, query, body, headers)))


async def expose(api: LocalApi, name: str, *ports: Port, **spec: Any) -> Any:
    spec = {"type": "NodePort", "ports": list(ports) or [{"port": 80}], **spec}
    return (await sent(api, "POST", SERVICES, {"metadata": {"name": name}, "spec": spec}))["spec"]


def numbers(spec: Any) -> list[int]:
    return [port.get("nodePort", 0) for port in spec["ports"]]


async def test_every_port_of_the_range_is_given_out_once(api: LocalApi) -> None:
    given = [numbers(await expose(api, f"s{index}"))[0] for index in range(4)]
    assert sorted(given) == [30000, 30001, 30002, 30003]
    with pytest.raises(Invalid, match="failed to allocate a nodePort: range is full") as refused:
        await expose(api, "one-too-many")
    assert refused.value.status["details"]["causes"][0]["reason"] == "InternalError"
    await sent(api, "DELETE", f"{SERVICES}/s2")
    assert numbers(await expose(api, "next")) == [given[2]]


async def test_many_at_once_get_one_each(serve: Serve) -> None:
    async with serve(service_node_port_range="30000-30049", service_cluster_ip_range="10.96.0.0/25") as api:
        specs = await asyncio.gather(*[expose(api, f"s{index}") for index in range(50)])
        assert len({spec["clusterIP"] for spec in specs}) == 50
        assert sorted(numbers(spec)[0] for spec in specs) == list(range(30000, 30050))
        wishes = [expose(api, f"t{index}", type="ClusterIP", clusterIP="10.96.0.2") for index in range(10)]
        results = await asyncio.gather(*wishes, return_exceptions=True)
        assert sum(isinstance(result, dict) for result in results) <= 1, "one wins at most"


async def test_a_refused_service_lets_go_of_what_it_was_given(api: LocalApi) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            await expose(api, "a", {"port": 80, "nodePort": 30001}, {"port": 0})
    assert numbers(await expose(api, "a", {"port": 80, "nodePort": 30001})) == [30001]


async def test_a_dry_run_holds_no_port(api: LocalApi) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}]}}
    for _ in range(2):
        await sent(api, "POST", SERVICES, body, dryRun="All")
    await sent(api, "POST", SERVICES, body)


@pytest.mark.parametrize(
    ("number", "problem"),
    [(29999, "not in the valid range. The range of valid ports is 30000-30003"), (30001, "already allocated")],
)
async def test_a_port_that_cannot_be_had_is_refused(api: LocalApi, number: int, problem: str) -> None:
    await expose(api, "a", {"port": 80, "nodePort": 30001})
    with pytest.raises(Invalid, match=problem) as refused:
        await expose(api, "b", {"port": 80, "nodePort": number})
    assert refused.value.status["details"]["causes"][0]["field"] == "spec.ports[0].nodePort"


async def test_one_number_may_serve_two_protocols_of_a_service(api: LocalApi) -> None:
    dns = [{"name": p, "port": 53, "protocol": p.upper(), "nodePort": 30001} for p in ("tcp", "udp")]
    assert numbers(await expose(api, "dns", *dns)) == [30001, 30001]
    with pytest.raises(Invalid, match="already allocated"):
        await expose(api, "other", {"port": 53, "protocol": "UDP", "nodePort": 30001})


async def test_ports_keep_their_numbers_by_name(api: LocalApi) -> None:
    spec = await expose(api, "a", {"name": "x", "port": 80}, {"name": "y", "port": 81})
    x, y = numbers(spec)
    body = {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "clusterIP": spec["clusterIP"]}}
    body["spec"]["ports"] = [{"name": "y", "port": 8081}, {"name": "x", "port": 80}]
    assert numbers((await sent(api, "PUT", f"{SERVICES}/a", body))["spec"]) == [y, x]


async def test_a_service_that_turns_inward_gives_its_ports_back(api: LocalApi) -> None:
    (port,) = numbers(await expose(api, "a"))
    inward = await sent(api, "PATCH", f"{SERVICES}/a", {"spec": {"type": "ClusterIP"}})
    assert numbers(inward["spec"]) == [0]
    assert numbers(await expose(api, "b", {"port": 80, "nodePort": port})) == [port]


async def test_balancers_may_do_without_node_ports(api: LocalApi) -> None:
    spec = await expose(api, "a", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert numbers(spec) == [0]
    assert numbers(await expose(api, "b", type="LoadBalancer"))[0] >= 30000


async def test_local_balancers_have_a_port_for_health(api: LocalApi) -> None:
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    spec = await expose(api, "a", **local)
    health = spec["healthCheckNodePort"]
    assert health not in numbers(spec)
    kept = await sent(api, "PATCH", f"{SERVICES}/a", {"metadata": {"labels": {"a": "b"}}})
    assert kept["spec"]["healthCheckNodePort"] == health
    with pytest.raises(Invalid, match="already allocated"):
        await expose(api, "b", {"port": 80, "nodePort": health})
    cluster = await sent(api, "PATCH", f"{SERVICES}/a", {"spec": {"externalTrafficPolicy": "Cluster"}})
    assert "healthCheckNodePort" not in cluster["spec"]
    assert numbers(await expose(api, "b", {"port": 80, "nodePort": health})) == [health]


async def test_an_address_that_cannot_be_had_is_refused(api: LocalApi) -> None:
    spec = await expose(api, "a")
    for address, problem in (
        (spec["clusterIP"], "provided IP is already allocated"),
        ("192.0.2.1", "the provided network does not match the current range"),
    ):
        with pytest.raises(Invalid, match=problem):
            await expose(api, "b", type="ClusterIP", clusterIP=address)
    with pytest.raises(Invalid, match="may not change once set"):
        await sent(api, "PATCH", f"{SERVICES}/a", {"spec": {"clusterIP": "10.96.0.99", "clusterIPs": ["10.96.0.99"]}})


async def test_an_address_can_be_had_as_soon_as_its_service_is_gone(api: LocalApi) -> None:
    address = (await expose(api, "a", type="ClusterIP"))["clusterIP"]
    for before, after in (("a", "b"), ("b", "a")):
        await sent(api, "DELETE", f"{SERVICES}/{before}")
        assert (await expose(api, after, type="ClusterIP", clusterIP=address))["clusterIP"] == address


async def test_a_dry_run_tells_of_an_address_that_cannot_be_had(api: LocalApi) -> None:
    address = (await expose(api, "a", type="ClusterIP"))["clusterIP"]
    body = {"metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}], "clusterIP": address}}
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await sent(api, "POST", SERVICES, body, dryRun="All")


async def test_a_replacement_may_name_the_address_in_one_field_only(api: LocalApi) -> None:
    spec = await expose(api, "a", type="ClusterIP")
    body = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 81}], "clusterIP": spec["clusterIP"]}}
    assert (await sent(api, "PUT", f"{SERVICES}/a", body))["spec"]["clusterIPs"] == spec["clusterIPs"]


async def test_a_full_range_is_told(serve: Serve) -> None:
    async with serve(service_cluster_ip_range="10.96.0.0/29") as api:
        given = {(await expose(api, f"s{index}", type="ClusterIP"))["clusterIP"] for index in range(5)}
        assert len(given) == 5
        with pytest.raises((Invalid, InternalError), match="range is full"):
            await expose(api, "more", type="ClusterIP")
        await sent(api, "POST", "/apis/networking.k8s.io/v1/servicecidrs", {
            "metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/28"]},
        })  # fmt: skip
        assert (await expose(api, "more", type="ClusterIP"))["clusterIP"].startswith("10.97.0.")


class TestFamilies:
    """Dual stack: both families where they are asked for, and what a change of mind does."""

    @pytest.fixture
    async def api(self, serve: Serve) -> AsyncIterator[LocalApi]:
        async with serve(service_cluster_ip_range="10.96.0.0/24,fd00::/112") as api:
            yield api

    @pytest.mark.parametrize(
        ("asked", "families", "policy"),
        [
            ({}, ["IPv4"], "SingleStack"),
            ({"ipFamilies": ["IPv6"]}, ["IPv6"], "SingleStack"),
            ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"], "PreferDualStack"),
            ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}, ["IPv6", "IPv4"], "RequireDualStack"),
            ({"clusterIP": "fd00::7"}, ["IPv6"], "SingleStack"),
        ],
    )
    async def test_services_have_the_addresses_they_ask_for(
        self, api: LocalApi, asked: dict[str, Any], families: list[str], policy: str
    ) -> None:
        spec = await expose(api, "a", type="ClusterIP", **asked)
        assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (families, policy)
        assert ["IPv6" if ":" in address else "IPv4" for address in spec["clusterIPs"]] == families
        assert spec["clusterIP"] == spec["clusterIPs"][0]

    async def test_a_second_family_comes_and_goes(self, api: LocalApi) -> None:
        first = (await expose(api, "a", type="ClusterIP"))["clusterIP"]
        both = (await sent(api, "PATCH", f"{SERVICES}/a", {"spec": {"ipFamilyPolicy": "PreferDualStack"}}))["spec"]
        assert both["clusterIPs"][0] == first
        assert both["ipFamilies"] == ["IPv4", "IPv6"]
        change = {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"], "clusterIPs": [first]}
        one = (await sent(api, "PATCH", f"{SERVICES}/a", {"spec": change}))["spec"]
        assert one["clusterIPs"] == [first]
        again = await expose(api, "b", type="ClusterIP", clusterIP=both["clusterIPs"][1])
        assert again["clusterIP"] == both["clusterIPs"][1], "it is free again"


async def test_one_family_cannot_be_two(api: LocalApi) -> None:
    with pytest.raises(Invalid, match="this cluster is not configured for dual-stack services"):
        await expose(api, "a", ipFamilyPolicy="RequireDualStack")
    with pytest.raises(Invalid, match="not configured on this cluster"):
        await expose(api, "a", ipFamilies=["IPv6"])


async def test_a_range_of_ports_has_two_ends(serve: Serve) -> None:
    with pytest.raises(SettingsError, match="is not a port range such as 30000-32767"):
        async with serve(service_node_port_range="30000"):
            pass
