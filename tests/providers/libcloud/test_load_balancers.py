"""Load balancers of single drivers: names, traits, and libcloud's own mocks of several clouds."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from cloudk8s.errors import CloudError, RetryLater, SettingsError
from cloudk8s.plugin import LoadBalancerRequest, NodeAddress, NodeRef, Plugins, ServiceKey, ServicePort
from cloudk8s_libcloud.load_balancers.adapter import Adapter, Wanted
from cloudk8s_libcloud.load_balancers.contract import build, capabilities
from cloudk8s_libcloud.load_balancers.naming import Listener, balancer_name, cluster_mark, parse
from cloudk8s_libcloud.load_balancers.traits import TRAITS, balancer_traits
from cloudk8s_libcloud.testing import Ec2World

UID = "0f9e8d7c-6b5a-4c3d-9e1f-000000000001"
NODES = tuple(
    NodeRef(f"n{n}", provider_id=f"libcloud://lab/i-{n}", addresses=(NodeAddress("InternalIP", f"10.0.0.{n}"),))
    for n in (1, 2)
)


def request(*ports: ServicePort, nodes: tuple[NodeRef, ...] = NODES) -> LoadBalancerRequest:
    return LoadBalancerRequest(ServiceKey(UID, "default", "web"), "shop", ports, nodes=nodes)


def test_names_say_whose_a_balancer_is_and_what_for() -> None:
    listener = Listener("UDP", 53, 30053)
    name = balancer_name("shop", UID, listener)
    assert len(balancer_name("shop", UID)) == 32
    found = parse(name)
    assert found is not None
    assert (found.cluster_mark, found.uid, found.listener) == (cluster_mark("shop"), UID, listener)
    assert parse("web") is None
    assert parse("k8s-shop-web") is None


@pytest.mark.parametrize(
    ("driver", "members"),
    [
        ("rackspace", ["10.0.0.1:30080", "10.0.0.2:30080"]),
        ("gce", ["10.0.0.1", "10.0.0.2"]),
        ("cloudstack", ["i-1", "i-2"]),
        ("elb", ["i-1", "i-2"]),
        ("nobody-has-described-it", ["10.0.0.1:30080", "10.0.0.2:30080"]),
    ],
)
def test_members_are_what_the_driver_knows_them_by(driver: str, members: list[str]) -> None:
    stack = build(balancer_traits(driver), "lab", request(ServicePort(80, 30080)))
    assert stack.resources[0].properties["members"] == members


def test_packets_that_arrive_as_sent_go_to_the_services_port() -> None:
    stack = build(balancer_traits("gce"), "lab", request(ServicePort(80, 30080)))
    assert stack.resources[0].properties["listeners"] == [["TCP", 80, 80]]


def test_a_driver_that_needs_members_waits_for_them() -> None:
    with pytest.raises(RetryLater, match="makes no balancer without members"):
        build(balancer_traits("aliyun_slb"), "lab", request(ServicePort(80, 30080), nodes=()))


def test_what_drivers_lack_is_declared() -> None:
    base, elb = capabilities(balancer_traits("rackspace")), capabilities(balancer_traits("elb"))
    assert (base.max_ports, base.local_traffic_policy, base.stores_digests) == (1, False, False)
    assert (elb.max_ports, elb.local_traffic_policy, elb.stores_digests) == (0, True, True)
    assert not base.source_ranges
    assert base.protocols == {"TCP", "UDP"}


def test_every_driver_of_libcloud_is_described() -> None:
    from libcloud.loadbalancer.types import Provider

    known = {value for name, value in vars(Provider).items() if name.isupper()}
    assert {name for name in known if not name.startswith("rackspace_")} == set(TRAITS)


@pytest.mark.parametrize(("driver", "why"), [("brightbox", "no public address"), ("alb", "can't delete")])
def test_a_driver_that_can_not_serve_says_why(driver: str, why: str) -> None:
    plugins = Plugins.load()
    settings = {"driver": "dummy", "key": "1", "load_balancer": {"driver": driver}}
    cloud = plugins.cloud("lab", "libcloud", settings, cluster="shop")
    with pytest.raises(SettingsError, match=why):
        plugins.load_balancers(cloud)


def test_a_cloud_without_the_setting_has_no_load_balancers() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("lab", "libcloud", {"driver": "dummy", "key": "1"}, cluster="c")
    assert plugins.load_balancers(cloud) is None


def test_a_misspelt_driver_is_named_with_a_suggestion() -> None:
    plugins = Plugins.load()
    settings = {"driver": "dummy", "key": "1", "load_balancer": {"driver": "rackspce"}}
    balancers = plugins.load_balancers(plugins.cloud("lab", "libcloud", settings, cluster="c"))
    assert balancers is not None
    with pytest.raises(CloudError, match="no load-balancer driver 'rackspce'; did you mean 'rackspace'"):
        balancers.describe([ServiceKey(UID)])


def test_elb_keeps_ports_health_check_and_owner(world: Ec2World) -> None:
    node = world.start_instance("n1")
    ports = [ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")]
    status = world.load_balancers().ensure(world.request(ports=ports, nodes=[node]))
    assert status.ingress[0].hostname.endswith(".elb.amazonaws.com")
    found = world.balancers()[0]
    assert found["listeners"] == (Listener("TCP", 80, 30080), Listener("TCP", 443, 30443))
    assert found["members"] == (node.provider_id.rpartition("/")[2],)
    assert found["check"] == "HTTP:10256/healthz"
    tags = world.balancer_tags(found["name"])
    assert tags["cloudk8s.io/owner"] == world.request().service.uid
    assert tags["cloudk8s.io/owner-name"] == "service default/web"


def test_many_balancers_come_on_many_pages(world: Ec2World) -> None:
    from cloudk8s_libcloud.load_balancers.elb import complete_elb

    pages = {"": (["a", "b"], "two"), "two": (["c"], "")}

    def answer(names: list[str], marker: str) -> Any:
        import xml.etree.ElementTree as ET

        from libcloud.loadbalancer.drivers.elb import NS

        entries = "".join(f"<member><LoadBalancerName>{name}</LoadBalancerName></member>" for name in names)
        body = f"<LoadBalancerDescriptions>{entries}</LoadBalancerDescriptions><NextMarker>{marker}</NextMarker>"
        head = "DescribeLoadBalancersRes"
        return ET.fromstring(f'<{head}ponse xmlns="{NS}"><{head}ult>{body}</{head}ult></{head}ponse>')

    class Paged(complete_elb(_elb_class())):  # type: ignore[misc]
        def ex_request(self, action: str, **parameters: Any) -> Any:
            return answer(*pages[parameters.get("Marker", "")])

    assert [entry["name"] for entry in Paged("key", "secret", "us-east-1").ex_describe()] == ["a", "b", "c"]


def _elb_class() -> Any:
    from libcloud.loadbalancer.drivers.elb import ElasticLBDriver

    return ElasticLBDriver


class TestMocksOfLibcloud:
    """Drivers over libcloud's own recorded answers, where its tests are installed with it."""

    def test_rackspace(self) -> None:
        from libcloud.loadbalancer.drivers.rackspace import RackspaceLBDriver

        mocks = pytest.importorskip("libcloud.test.loadbalancer.test_rackspace")
        RackspaceLBDriver.connectionCls.conn_class = mocks.RackspaceLBMockHttp
        mocks.RackspaceLBMockHttp.type = None
        driver: Any = RackspaceLBDriver("user", "key")
        driver.connection.poll_interval = 0.0
        adapter = Adapter(balancer_traits("rackspace"), options={})
        assert adapter.list(driver, "") == [], "balancers that people made are not ours"
        raw = driver.get_balancer("8290")
        found = adapter.with_members(driver, adapter._balancer(raw))
        assert found.address == "1.1.1.1"
        assert found.members
        assert all(member.count(":") == 1 for member in found.members)

    def test_cloudstack(self) -> None:
        from libcloud.loadbalancer.drivers.cloudstack import CloudStackLBDriver

        mocks = pytest.importorskip("libcloud.test.loadbalancer.test_cloudstack")
        CloudStackLBDriver.connectionCls.conn_class = mocks.CloudStackMockHttp
        mocks.CloudStackMockHttp.fixture_tag = "default"
        driver: Any = CloudStackLBDriver("apikey", "secret", host="localhost", path="/test/path")
        driver.connection.poll_interval = 0.0
        adapter = Adapter(balancer_traits("cloudstack"), options={})
        listener = Listener("TCP", 80, 30080)
        made = adapter.create(driver, Wanted(balancer_name("c", UID, listener), (listener,), ("1", "2")))
        assert made.address
        adapter.destroy(driver, made)


def test_secrets_of_the_compute_driver_serve_the_other_one() -> None:
    from cloudk8s_libcloud.driver import Driver
    from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
    from cloudk8s_libcloud.settings import BalancerSettings, LibcloudSettings

    settings = LibcloudSettings(
        driver="ec2", key="me", secret=SecretStr("s3cret"),
        load_balancer=BalancerSettings(driver="elb", options={"region": "eu-west-1"}),
    )  # fmt: skip
    driver = BalancerDriver(settings, Driver(settings))._get()
    assert (driver.key, driver.secret) == ("me", "s3cret")
    assert driver.connection.host == "elasticloadbalancing.eu-west-1.amazonaws.com"
