"""Machines of the local cloud for real: they boot, reach each other and the API's endpoint, and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.network.nftables.command import find_nft
from cloudk8s.plugin import Cloud, Machine, MachineRequest, Network, NetworkRequest, NodeRef, Route, Unsupported
from cloudk8s_local import assembly
from cloudk8s_local.account.account import Account
from cloudk8s_local.machine_orders import LocalMachines
from cloudk8s_local.machines.interface import HostSpec
from cloudk8s_local.machines.namespaces import NamespaceHosts, host_network
from cloudk8s_local.machines.plain import PlainHosts
from cloudk8s_local.network_orders import LocalNetworks
from cloudk8s_local.settings import LocalSettings
from tests.network.netns import needs_root
from tests.traces import marked

SCRIPT = """#!/bin/sh
echo "$CLOUDK8S" > "$CLOUDK8S_MACHINE_DIR/command"
echo "I am $0" >&2
exec {python} -c '
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{name} " + self.client_address[0].encode())
http.server.HTTPServer(("{address}", {port}), Handler).serve_forever()
'
"""


class Site:
    """A cluster called `test` in an account of its own."""

    def __init__(self, directory: Path, hosts: NamespaceHosts | PlainHosts) -> None:
        self.account = Account(directory, hosts)
        self.machines, self.networks = LocalMachines(self.account), LocalNetworks(self.account)
        self.engine = Engine(self.networks.resource_types(), concurrency=1)

    def network(self, *members: str, cidr: str = "10.0.0.0/16") -> Network:
        request = NetworkRequest("test", "cluster-uid", cidr, members=members, api_port=8080)
        outcome = self.engine.converge(self.networks.stack(request), timeout=30)
        return self.networks.outputs(request, outcome.observation)

    def machine(self, name: str, network: Network, *, address: str = "", port: int = 8080) -> Machine:
        place = network.attachments["worker/local-a"]
        script = SCRIPT.format(python=sys.executable, name=name, address=address, port=port)
        request = MachineRequest(f"uid-{name}", name, "test", network=place, user_data=script.encode())
        made = self.machines.create([request])[request.uid]
        assert isinstance(made, Machine)
        return made

    def host(self, machine: Machine) -> HostSpec:
        things = self.account.everything()
        return self.account.host(things, things[machine.id])

    def delete(self) -> None:
        self.machines.delete(self.machines.list_owned("test"))
        request = NetworkRequest("test", "cluster-uid")
        self.engine.converge(Stack(self.networks.stack(request).owner), timeout=30)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if find_nft() is None:
        pytest.skip("nftables is not installed")
    site = Site(tmp_path, NamespaceHosts())
    yield site
    site.delete()


def get(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=3) as answer:
        return str(answer.read().decode())


def eventually(look: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if look():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.root
@needs_root
def test_machines_boot_reach_each_other_and_are_behind_the_endpoint(site: Site):
    network = site.network()
    one, two = (site.machine(name, network) for name in ("one", "two"))
    addresses = [machine.addresses[0].address for machine in (one, two)]
    for name, address in zip(("one", "two"), addresses, strict=True):
        eventually(lambda name=name, address=address: get(f"{address}:8080").startswith(name))
    assert [machine.state for machine in site.machines.list_owned("test")] == ["running", "running"]
    assert (site.account.directory / "machines" / one.id / "state" / "command").read_text().endswith("-m cloudk8s\n")
    for member, name in ((one, "one"), (two, "two")):
        network = site.network(member.id)
        assert get(network.endpoint).startswith(name)
        for machine in (one, two):
            assert in_machine(site, machine, network.endpoint).startswith(name)
    site.network(one.id, two.id)
    assert {get(network.endpoint).split()[0] for _ in range(40)} == {"one", "two"}


@pytest.mark.root
@needs_root
def test_deletion_leaves_nothing_also_of_what_a_crash_left_half_done(site: Site, tmp_path: Path):
    network = site.network()
    one = site.machine("one", network)
    site.network(one.id)
    crashing = f"""
import os, pathlib, signal
from cloudk8s.plugin import MachineRequest
from cloudk8s_local.account.account import Account
from cloudk8s_local.machine_orders import LocalMachines
from cloudk8s_local.machines.namespaces import NamespaceHosts
class Crashing(NamespaceHosts):
    def start(self, host):
        super().start(host)
        os.kill(os.getpid(), signal.SIGKILL)
requests = [MachineRequest(f"uid-{{n}}", f"m{{n}}", "test", network={dict(network.attachments["worker/local-a"])!r},
            user_data=b"sleep 1000") for n in range(3)]
LocalMachines(Account(pathlib.Path({str(tmp_path)!r}), Crashing())).create(requests)
"""
    assert subprocess.run([sys.executable, "-c", crashing]).returncode == -signal.SIGKILL
    found = site.machines.list_owned("test")
    assert sorted(machine.name for machine in found) == ["m0", "m1", "m2", "one"]
    assert {machine.state for machine in found} == {"running"}
    marks = [host_network(site.host(one).network)._digest, network.endpoint.rpartition(".")[0] + "."]
    kinds = {item.split(":")[0] for item in marked(marks)}
    assert kinds >= {"netns", "link", "address", "route", "table"}
    site.delete()
    assert marked(marks) == []
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and str(tmp_path) in environment(pid)]


@pytest.mark.root
@needs_root
def test_a_machine_that_is_powered_off_says_so_and_starts_again(site: Site):
    network = site.network()
    one = site.machine("one", network)
    host = site.host(one)
    site.account.hosts.stop(host)
    (off,) = site.machines.list_owned("test")
    assert off.state == "stopped"
    assert "ended" in off.reason
    site.account.hosts.start(host)
    eventually(lambda: get(f"{one.addresses[0].address}:8080").startswith("one"))


@pytest.mark.root
@needs_root
def test_routes_of_pods_are_in_every_machine_but_their_own(site: Site):
    network = site.network()
    machines = [site.machine(name, network) for name in ("one", "two", "three")]
    settings = LocalSettings(directory=site.account.directory, route_ranges=("10.244.0.0/16",))
    cloud = Cloud("local", "local", settings, "test")
    nodes = [NodeRef(machine.name, "", machine.provider_id, machine.addresses) for machine in machines]
    described = assembly.instances(cloud).describe(nodes)
    assert {name: instance.state for name, instance in described.items()} == dict.fromkeys(
        ("one", "two", "three"), "present"
    )
    routes = assembly.routes(cloud)
    wanted = [
        Route(f"10.244.{index}.0/24", node.name, node.provider_id, node.addresses) for index, node in enumerate(nodes)
    ]
    assert routes.create(wanted) == {}
    assert {(route.destination, route.node) for route in routes.list(nodes)} == {
        (r.destination, r.node) for r in wanted
    }
    table = in_namespace(site, machines[0], "ip", "route")
    assert "10.244.0.0/24" not in table
    assert f"10.244.1.0/24 via {machines[1].addresses[0].address}" in table
    nodes.append(new_node(site, network))
    assert routes.list(nodes) == []
    assert routes.create(wanted) == {}
    assert len(routes.list(nodes)) == 3
    assert routes.delete(wanted) == {}
    assert "10.244" not in in_namespace(site, machines[0], "ip", "route")


def test_without_privileges_machines_have_loopback_addresses(tmp_path: Path):
    site = Site(tmp_path, PlainHosts())
    network = site.network()
    assert network.endpoint == ""
    (finding,) = site.networks.preflight(NetworkRequest("test", "cluster-uid"), [])
    assert finding.is_fatal
    assert "need root" in finding.message
    assert network.is_ready
    one = site.machine("one", network, address="127.210.0.10")
    try:
        assert one.addresses[0].address == "127.210.0.10"
        eventually(lambda: get("127.210.0.10:8080").startswith("one"))
    finally:
        site.delete()
    assert site.machines.list_clusters() == []
    assert not (tmp_path / "machines" / one.id).exists()
    with pytest.raises(OSError, match="refused"):
        get("127.210.0.10:8080")


@pytest.mark.root
@needs_root
def test_a_range_that_is_in_use_is_refused_and_any_other_found(site: Site, tmp_path: Path):
    network = site.network(cidr="198.19.200.0/24")
    assert network.attachments["worker/local-a"]["load_balancer_range"] == "198.19.200.192/26"
    other = LocalNetworks(site.account)
    stack = other.stack(NetworkRequest("other", "other-uid", "198.19.200.128/25"))
    outcome = Engine(other.resource_types()).apply(stack)
    with pytest.raises(Unsupported, match=r"198\.19\.200\.128/25 is in use"):
        outcome.raise_for_failure()


def new_node(site: Site, network: Network) -> NodeRef:
    machine = site.machine("four", network)
    return NodeRef(machine.name, "", machine.provider_id, machine.addresses)


def in_machine(site: Site, machine: Machine, address: str) -> str:
    return in_namespace(site, machine, "curl", "-s", "-m", "3", f"http://{address}/")


def in_namespace(site: Site, machine: Machine, *command: str) -> str:
    host = site.host(machine)
    namespace = host_network(host.network).namespace(host.id)
    done = subprocess.run(["ip", "netns", "exec", namespace, *command], capture_output=True, text=True, check=True)
    return done.stdout


def environment(pid: str) -> str:
    try:
        return Path("/proc", pid, "environ").read_text(errors="replace")
    except OSError:
        return ""
