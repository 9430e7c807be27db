from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudk8s.errors import QuotaExceeded, SettingsError
from cloudk8s_local.host import pool
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.kernel import HostKernel
from cloudk8s_local.host.records import BalancerRecord, NodeRecord, RecordFile, Records, RouteRecord
from cloudk8s_local.testing import MemoryKernel
from tests.network.netns import connect, namespaces, needs_root

RECORDS = (
    Records()
    .with_balancer(BalancerRecord("u1", "default", "web", "198.18.0.1"))
    .with_node(NodeRecord("n1", ("192.0.2.1",)))
    .with_route(RouteRecord("10.244.0.0/24", "192.0.2.1"))
)


def test_records_outlive_the_process(tmp_path: Path):
    RecordFile(tmp_path / "deep" / "local.json").write(RECORDS)
    assert RecordFile(tmp_path / "deep" / "local.json").read() == RECORDS


def test_a_damaged_file_says_what_to_do(tmp_path: Path):
    (tmp_path / "local.json").write_text("{")
    with pytest.raises(SettingsError, match="remove it to start with a new one"):
        RecordFile(tmp_path / "local.json").read()


def test_a_restart_keeps_addresses_and_takes_away_what_nobody_owns(tmp_path: Path):
    file, kernel = RecordFile(tmp_path / "local.json"), MemoryKernel()
    file.write(RECORDS)
    for address in ("198.18.0.1", "198.18.0.9"):
        kernel.add_address(address)
    kernel.set_route("10.244.0.0/24", "192.0.2.1")
    kernel.set_route("10.244.9.0/24", "192.0.2.9")
    host = Host("198.18.0.0/24", file, kernel)
    host.start()
    assert kernel.addresses() == ("198.18.0.1",)
    assert kernel.routes() == {"10.244.0.0/24": "192.0.2.1"}
    assert host.assign("u1", "default", "web") == ("198.18.0.1",)
    assert host.assign("u2", "default", "api") == ("198.18.0.2",)


def test_a_service_has_an_address_of_each_family_that_it_asks_for(tmp_path: Path):
    kernel = MemoryKernel()
    host = Host("198.18.0.0/24,fdc8:c612::/64", RecordFile(tmp_path / "local.json"), kernel)
    host.start()
    assert host.families == {"IPv4", "IPv6"}
    both = host.assign("u1", "default", "web", families=("IPv6", "IPv4"))
    assert both == ("fdc8:c612::1", "198.18.0.1")
    for address in both:
        host.add_address(address)
    assert host.assign("u1", "default", "web", families=("IPv4",)) == ("198.18.0.1",)
    assert kernel.addresses() == ("198.18.0.1",)
    wanted = host.assign("u1", "default", "web", families=("IPv4", "IPv6"), wanted="fdc8:c612::77")
    assert wanted == ("198.18.0.1", "fdc8:c612::77")
    assert host.assign("u2", "default", "api", families=("IPv6",)) == ("fdc8:c612::1",)
    host.close()
    again = Host("198.18.0.0/24,fdc8:c612::/64", RecordFile(tmp_path / "local.json"), MemoryKernel())
    again.start()
    assert again.assign("u1", "default", "web", families=("IPv4", "IPv6")) == wanted
    again.close()


def test_closing_leaves_nothing_in_the_kernel_and_keeps_the_records(tmp_path: Path):
    file, kernel = RecordFile(tmp_path / "local.json"), MemoryKernel()
    host = Host("198.18.0.0/24", file, kernel)
    host.start()
    host.add_address(*host.assign("u1", "default", "web"))
    host.close()
    assert kernel.addresses() == ()
    assert "u1" in file.read().balancers


def test_the_lowest_free_address_is_chosen():
    assert pool.choose("198.18.0.0/29", ["198.18.0.1", "198.18.0.3"]) == "198.18.0.2"
    with pytest.raises(QuotaExceeded, match="all 4 addresses"):
        pool.choose("198.18.0.0/30", ["198.18.0.1", "198.18.0.2"])


@pytest.mark.root
@needs_root
def test_addresses_and_routes_are_the_kernels():
    with namespaces("lb", "peer") as (here, peer):
        connect(here, peer, address="192.0.2.9/24", gateway="192.0.2.1", index=1)
        kernel = HostKernel("198.18.0.0/24,fdc8:c612::/64", namespace=here.name)
        for _ in range(2):
            kernel.add_address("198.18.0.1")
            kernel.set_route("10.244.1.0/24", "192.0.2.9")
        assert list(kernel.addresses()) == ["198.18.0.1"]
        assert kernel.routes() == {"10.244.1.0/24": "192.0.2.9"}
        for space, address in ((here, "fd00:9::1"), (peer, "fd00:9::9")):
            space.ip("addr", "add", f"{address}/64", "dev", "v1" if space is here else "eth0", "nodad")
        both = HostKernel("198.18.0.0/24", route_ranges=["10.244.0.0/16", "fd00:244::/56"], namespace=here.name)
        both.set_route("fd00:244:0:1::/64", "fd00:9::9")
        assert both.routes() == {"10.244.1.0/24": "192.0.2.9", "fd00:244:0:1::/64": "fd00:9::9"}
        both.remove_route("fd00:244:0:1::/64")
        assert list(both.routes()) == ["10.244.1.0/24"]
        kernel.add_address("fdc8:c612::1")
        assert sorted(kernel.addresses()) == ["198.18.0.1", "fdc8:c612::1"]
        peer.ip("route", "add", "fdc8:c612::/64", "via", "fd00:9::1")
        here.serve(8081, address="::")
        assert peer.dial("fdc8:c612::1", 8081)[0] == here.name
        kernel.remove_address("fdc8:c612::1")
        other = HostKernel("198.18.1.0/24", route_ranges=["10.243.0.0/16", "fd00::/48"], namespace=here.name)
        assert other.routes() == {}
        here.serve(8080)
        assert peer.dial("198.18.0.1", 8080)[0] == here.name
        for _ in range(2):
            kernel.remove_address("198.18.0.1")
            kernel.remove_route("10.244.1.0/24")
        assert list(kernel.addresses()) == []
        assert kernel.routes() == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="shows what a user without root is told")
def test_without_root_addresses_must_be_loopback():
    from cloudk8s.plugin import Cloud
    from cloudk8s_local import assembly
    from cloudk8s_local.settings import LocalSettings

    settings = LocalSettings(load_balancer_range="198.18.0.0/24")
    with pytest.raises(SettingsError, match=r"127\.0\.0\.0/8"):
        assembly.load_balancers(Cloud("local", "local", settings, "test"))
