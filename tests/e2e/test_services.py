"""Everything that a Service can be told, with real packets between pods of two nodes and this host."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started
from tests.e2e.test_network import eventually, field
from tests.network.netns import ip, namespaces

pytestmark = [pytest.mark.kubectl, pytest.mark.root, pytest.mark.slow]
CLIENT, GATEWAY = "198.51.100.9", "198.51.100.1"
SERVER = """
import os, signal, socket, threading
name = os.environ["POD"]
def stream(port, says):
    listener = socket.create_server(("", port))
    while True:
        client, (address, _) = listener.accept()
        client.sendall(f"{says} {address}".encode())
        client.close()
def datagrams(port):
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind(("", port))
    while True:
        _, client = made.recvfrom(100)
        made.sendto(name.encode(), client)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
for target, arguments in ((stream, (8080, name)), (stream, (9090, "admin-" + name)), (datagrams, (8080,))):
    threading.Thread(target=target, args=arguments, daemon=True).start()
threading.Event().wait()
"""
DIAL = """
import socket, sys
kind, address, port, times = sys.argv[1:]
for _ in range(int(times)):
    try:
        made = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        made.settimeout(2)
        made.connect((address, int(port)))
        if kind == "udp":
            made.send(b"?")
        print(made.recv(200).decode())
    except OSError as error:
        print("failed:", error)
"""
ASK = """
import sys
from dnslib import DNSRecord
server = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
for is_tcp in (False, True):
    answer = DNSRecord.parse(DNSRecord.question(sys.argv[1], sys.argv[2]).send(server, tcp=is_tcp, timeout=3))
    print(*sorted(str(record.rdata) for record in answer.rr), sep=";")
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("nodes apart need privileges")
    cluster = started(tmp_path_factory.mktemp("services"), "services", "--nodes", "2")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "services", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    """Two pods `web`, one on each node; each node is a zone."""
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    for number, node in enumerate(node_names(kubectl)):
        kubectl("label", "node", node, f"topology.kubernetes.io/zone=zone-{number}", "--overwrite")
    kubectl("apply", "-f", "-", stdin=json.dumps(deployment("web")))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return kubectl


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "web", "containerPort": 8080}, {"name": "admin", "containerPort": 9090}]
    container = {
        "name": "server", "image": "host", "command": ["python3", "-c", SERVER], "ports": ports,
        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }  # fmt: skip
    container |= spec.pop("container", {})
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    labels = {"matchLabels": {"app": name}}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 2} | spec
    pod["topologySpreadConstraints"] = [spread | {"labelSelector": labels}]
    template = {"metadata": {"labels": labels["matchLabels"]}, "spec": pod}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    return body | {"spec": {"replicas": 2, "selector": labels, "template": template}}


@pytest.fixture
def service(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes a Service of a name, and changes it when called again."""
    made: set[str] = set()

    def apply(name: str, *, app: str = "web", **spec: Any) -> None:
        spec = {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]} | spec
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        kubectl("apply", "-f", "-", stdin=json.dumps(body))
        made.add(name)

    yield apply
    for name in made:
        kubectl("delete", "service", name)


def node_names(kubectl: Kubectl) -> list[str]:
    return sorted(field(kubectl, ".items[*].metadata.name", "nodes").split())


def pods(kubectl: Kubectl, app: str = "web") -> dict[str, str]:
    """Node and pod."""
    items = json.loads(kubectl("get", "pods", "-l", f"app={app}", "-o", "json"))["items"]
    return {item["spec"]["nodeName"]: item["metadata"]["name"] for item in items}


def from_pod(kubectl: Kubectl, pod: str, kind: str, address: str, port: int, times: int = 12) -> set[str]:
    """Who answers a pod."""
    arguments = ("exec", pod, "--", "python3", "-c", DIAL, kind, address, str(port), str(times))
    return {line.split()[0] for line in kubectl(*arguments, timeout=120).splitlines()}


def from_here(address: str, port: int, times: int = 12) -> set[str]:
    """Who answers this host."""
    found = set()
    for _ in range(times):
        try:
            with socket.create_connection((address, port), 2) as made:
                found.add((made.recv(200).decode().split() or ["failed:"])[0])
        except OSError:
            found.add("failed:")
    return found


def ip_of(kubectl: Kubectl, name: str) -> str:
    return field(kubectl, ".spec.clusterIP", "service", name)


def node_addresses(kubectl: Kubectl) -> list[str]:
    return field(kubectl, '.items[*].status.addresses[?(@.type=="InternalIP")].address', "nodes").split()


def test_named_ports_lead_to_their_targets(kubectl: Kubectl, service: Any) -> None:
    ports = [{"name": "a", "port": 80, "targetPort": "web"}, {"name": "b", "port": 81, "targetPort": "admin"}]
    service("named", ports=ports)
    both = set(pods(kubectl).values())
    eventually(lambda: from_here(ip_of(kubectl, "named"), 80) == both)
    assert from_here(ip_of(kubectl, "named"), 81) == {f"admin-{name}" for name in both}


def test_one_port_of_two_protocols_is_two_ports(kubectl: Kubectl, service: Any) -> None:
    tcp = {"name": "tcp", "port": 80, "targetPort": 8080, "protocol": "TCP"}
    udp = tcp | {"name": "udp", "protocol": "UDP"}
    service("mixed", ports=[tcp, udp])
    both = set(pods(kubectl).values())
    source = sorted(both)[0]
    eventually(lambda: from_pod(kubectl, source, "udp", "mixed", 80) == both)
    assert from_pod(kubectl, source, "tcp", "mixed", 80) == both
    kubectl("patch", "service", "mixed", "--type=json", "-p", json.dumps([{"op": "remove", "path": "/spec/ports/1"}]))
    eventually(lambda: from_pod(kubectl, source, "udp", "mixed", 80, times=2) == {"failed:"}, seconds=30)
    assert from_pod(kubectl, source, "tcp", "mixed", 80) == both


def test_affinity_holds_at_node_ports_and_can_be_switched(kubectl: Kubectl, service: Any) -> None:
    service("sticky", type="NodePort", sessionAffinity="ClientIP")
    both = set(pods(kubectl).values())
    port = int(field(kubectl, ".spec.ports[0].nodePort", "service", "sticky"))
    for address in node_addresses(kubectl):
        eventually(lambda address=address: len(from_here(address, port, 15) & both) == 1)
    service("sticky", type="NodePort", sessionAffinity="None")
    for address in node_addresses(kubectl):
        eventually(lambda address=address: from_here(address, port, 15) == both)


def test_internal_policy_local_stays_on_the_node(kubectl: Kubectl, service: Any) -> None:
    service("near", internalTrafficPolicy="Local")
    for pod in pods(kubectl).values():
        eventually(lambda pod=pod: from_pod(kubectl, pod, "tcp", "near", 80) == {pod})


def test_hints_keep_traffic_in_its_zone_while_there_are_endpoints(kubectl: Kubectl, service: Any) -> None:
    service("zoned", trafficDistribution="PreferSameZone")
    there = pods(kubectl)
    for pod in there.values():
        eventually(lambda pod=pod: from_pod(kubectl, pod, "tcp", "zoned", 80) == {pod})
    service("zoned", trafficDistribution="PreferSameZone", selector={"app": "web", "pick": "one"})
    one, other = there.values()
    kubectl("label", "pod", one, "pick=one")
    eventually(lambda: from_pod(kubectl, other, "tcp", "zoned", 80) == {one})


def test_external_policy_local_answers_where_there_are_endpoints_and_keeps_the_client(
    kubectl: Kubectl, service: Any
) -> None:
    there = pods(kubectl)
    node, pod = sorted(there.items())[1]
    kubectl("label", "pod", pod, "only=me", "--overwrite")
    service("outside", type="LoadBalancer", externalTrafficPolicy="Local", selector={"app": "web", "only": "me"})
    check = int(field(kubectl, ".spec.healthCheckNodePort", "service", "outside"))
    port = int(field(kubectl, ".spec.ports[0].nodePort", "service", "outside"))
    where = dict(zip(node_names(kubectl), node_addresses(kubectl), strict=True))
    for name, address in where.items():
        expected = (200, 1) if name == node else (503, 0)
        eventually(lambda address=address, expected=expected: health(address, check) == expected)
    with socket.create_connection((where[node], port), 2) as made:
        own = made.getsockname()[0]
        assert made.recv(200).decode() == f"{pod} {own}"
    path = ".status.loadBalancer.ingress[0].ip"
    eventually(lambda: bool(field(kubectl, path, "service", "outside")))
    balancer = field(kubectl, path, "service", "outside")
    eventually(lambda: from_here(balancer, 80) == {pod})
    assert seen_from_outside(balancer, 80).split()[1] == CLIENT


def seen_from_outside(address: str, port: int) -> str:
    """What a client that is another machine gets."""
    with namespaces("client") as (client,):
        ip("link", "add", "ckclient", "type", "veth", "peer", "eth0", "netns", client.name)
        ip("address", "add", f"{GATEWAY}/24", "dev", "ckclient")
        ip("link", "set", "ckclient", "up")
        client.ip("address", "add", f"{CLIENT}/24", "dev", "eth0")
        client.ip("link", "set", "eth0", "up")
        client.ip("route", "add", "default", "via", GATEWAY)
        return " ".join(client.dial(address, port, seconds=5))


def health(address: str, port: int) -> tuple[int, int]:
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/healthz", timeout=2) as answer:
            return answer.status, json.load(answer)["localEndpoints"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["localEndpoints"]
    except OSError:
        return 0, -1


def test_source_ranges_of_a_load_balancer_hold(kubectl: Kubectl, service: Any) -> None:
    service("ranged", type="LoadBalancer", loadBalancerSourceRanges=["203.0.113.0/24"])
    path = ".status.loadBalancer.ingress[0].ip"
    eventually(lambda: bool(field(kubectl, path, "service", "ranged")))
    balancer = field(kubectl, path, "service", "ranged")
    eventually(lambda: from_here(balancer, 80) == {"failed:"})
    service("ranged", type="LoadBalancer", loadBalancerSourceRanges=["0.0.0.0/0"])
    eventually(lambda: from_here(balancer, 80) == set(pods(kubectl).values()))


def test_external_ips_answer_this_host_and_pods(kubectl: Kubectl, service: Any) -> None:
    service("external", externalIPs=["203.0.113.44"])
    both = set(pods(kubectl).values())
    eventually(lambda: from_here("203.0.113.44", 80) == both)
    assert from_pod(kubectl, sorted(both)[0], "tcp", "203.0.113.44", 80) == both


def test_endpoints_that_end_serve_while_there_are_no_others(kubectl: Kubectl, service: Any) -> None:
    container = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    leaving = deployment("leaving", container=container, terminationGracePeriodSeconds=20)
    kubectl("apply", "-f", "-", stdin=json.dumps(leaving))
    kubectl("rollout", "status", "deployment/leaving", "--timeout=60s")
    service("leaving", app="leaving")
    address, both = ip_of(kubectl, "leaving"), set(pods(kubectl, "leaving").values())
    eventually(lambda: from_here(address, 80) == both)
    first, second = both
    kubectl("delete", "pod", first, "--wait=false")
    eventually(lambda: first not in from_here(address, 80), seconds=5)
    kubectl("scale", "deployment/leaving", "--replicas=0")
    eventually(lambda: second in from_here(address, 80), seconds=5)
    eventually(lambda: from_here(address, 80, 1) == {"failed:"}, seconds=40)
    kubectl("delete", "deployment", "leaving")


def test_a_service_goes_through_all_types(kubectl: Kubectl, service: Any) -> None:
    both = set(pods(kubectl).values())
    source = sorted(both)[0]
    service("target")
    external = {"type": "ExternalName", "externalName": "target.default.svc.cluster.local"}
    kubectl("create", "service", "externalname", "turning", f"--external-name={external['externalName']}")
    eventually(lambda: from_pod(kubectl, source, "tcp", "turning", 80) == both)
    ports = [{"port": 80, "targetPort": 8080}]
    turned = {"type": "NodePort", "externalName": None, "selector": {"app": "web"}, "ports": ports}
    kubectl("patch", "service", "turning", "-p", json.dumps({"spec": turned}))
    port = int(field(kubectl, ".spec.ports[0].nodePort", "service", "turning"))
    for address in node_addresses(kubectl):
        eventually(lambda address=address: from_here(address, port) == both)
    eventually(lambda: from_pod(kubectl, source, "tcp", "turning", 80) == both)
    kubectl("patch", "service", "turning", "-p", json.dumps({"spec": external}))
    assert field(kubectl, ".spec.clusterIP", "service", "turning") == ""
    eventually(lambda: from_here(node_addresses(kubectl)[0], port, 1) == {"failed:"})
    eventually(lambda: from_pod(kubectl, source, "tcp", "turning", 80) == both)
    kubectl("delete", "service", "turning")


def test_slices_made_by_hand_are_followed(kubectl: Kubectl, service: Any) -> None:
    items = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    service("manual", selector=None, ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}])
    for name, number, item in zip("ab", (8080, 9090), items, strict=True):
        metadata = {"name": f"manual-{name}", "labels": {"kubernetes.io/service-name": "manual"}}
        piece = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
        piece |= {"addressType": "IPv4", "endpoints": [{"addresses": [item["status"]["podIP"]]}]}
        piece |= {"ports": [{"name": name, "port": number, "protocol": "TCP"}]}
        kubectl("apply", "-f", "-", stdin=json.dumps(piece))
    one, two = (item["metadata"]["name"] for item in items)
    eventually(lambda: from_here(ip_of(kubectl, "manual"), 80) == {one})
    eventually(lambda: from_here(ip_of(kubectl, "manual"), 81) == {f"admin-{two}"})


def test_host_ports_of_different_addresses_and_protocols_are_apart(kubectl: Kubectl) -> None:
    node, address = node_names(kubectl)[0], node_addresses(kubectl)[0]
    places = {"local": ("127.0.0.1", "TCP"), "own": (address, "TCP"), "datagrams": (address, "UDP")}
    for name, (where, protocol) in places.items():
        port = {"containerPort": 8080, "hostPort": 18323, "hostIP": where, "protocol": protocol}
        container = {
            "name": "server", "image": "host", "command": ["python3", "-c", SERVER], "ports": [port],
            "env": [{"name": "POD", "value": name}],
        }  # fmt: skip
        spec = {"containers": [container], "nodeName": node, "terminationGracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        kubectl("apply", "-f", "-", stdin=json.dumps(body))
    kubectl("wait", *(f"pod/{name}" for name in places), "--for=condition=Ready", "--timeout=30s")
    eventually(lambda: from_here("127.0.0.1", 18323) == {"local"})
    eventually(lambda: from_here(address, 18323) == {"own"})
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.settimeout(3)
        made.sendto(b"?", (address, 18323))
        assert made.recv(100) == b"datagrams"
    kubectl("delete", "pod", *places, "--grace-period=0", "--force")


def ask(kubectl: Kubectl, name: str, kind: str) -> list[str]:
    """What a pod is told of a name, asking by datagram and by stream."""
    pod = sorted(pods(kubectl).values())[0]
    command = ("exec", pod, "--", "env", f"PYTHONPATH={os.pathsep.join(sys.path)}", sys.executable, "-c", ASK)
    by_datagram, by_stream = kubectl(*command, name, kind).split("\n")[:2]
    assert by_datagram == by_stream
    return by_datagram.split(";") if by_datagram else []


def test_names_of_services_and_pods(kubectl: Kubectl, service: Any) -> None:
    service("plain", ports=[{"name": "http", "port": 80, "targetPort": 8080}])
    service("each", clusterIP="None", ports=[{"name": "http", "port": 8080}])
    address, domain = ip_of(kubectl, "plain"), "default.svc.cluster.local"
    items = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    ips = sorted(item["status"]["podIP"] for item in items)
    eventually(lambda: ask(kubectl, f"plain.{domain}", "A") == [address])
    assert ask(kubectl, f"_http._tcp.plain.{domain}", "SRV") == [f"0 100 80 plain.{domain}."]
    assert ask(kubectl, f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa", "PTR") == [f"plain.{domain}."]
    eventually(lambda: ask(kubectl, f"each.{domain}", "A") == ips)
    dashed = [ip.replace(".", "-") for ip in ips]
    assert ask(kubectl, f"_http._tcp.each.{domain}", "SRV") == sorted(f"0 50 8080 {ip}.each.{domain}." for ip in dashed)
    assert ask(kubectl, f"{dashed[0]}.default.pod.cluster.local", "A") == [ips[0]]
    assert ask(kubectl, f"plain.{domain}", "AAAA") == []


def test_a_pod_with_host_name_and_subdomain_has_a_name_of_its_own(kubectl: Kubectl, service: Any) -> None:
    service("inner", clusterIP="None", selector={"app": "named-pod"})
    spec = {"hostname": "door", "subdomain": "inner", "terminationGracePeriodSeconds": 0}
    spec |= {"containers": [{"name": "main", "image": "host", "command": ["sleep", "600"]}]}
    metadata = {"name": "named-pod", "labels": {"app": "named-pod"}}
    kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    )
    kubectl("wait", "pod/named-pod", "--for=condition=Ready", "--timeout=30s")
    ip = field(kubectl, ".status.podIP", "pod", "named-pod")
    name = "door.inner.default.svc.cluster.local"
    eventually(lambda: ask(kubectl, name, "A") == [ip])
    assert ask(kubectl, "inner.default.svc.cluster.local", "A") == [ip]
    said = kubectl("exec", "named-pod", "--", "sh", "-c", f"hostname -f; getent hosts {name}; getent hosts door")
    assert said.split() == [name, ip, name, "door", ip, name, "door"]
    kubectl("delete", "pod", "named-pod")


def test_partial_names_are_completed(kubectl: Kubectl, service: Any) -> None:
    service("partial")
    address, pod = ip_of(kubectl, "partial"), sorted(pods(kubectl).values())[0]
    for name in ("partial", "partial.default", "partial.default.svc", "partial.default.svc.cluster.local"):
        eventually(
            lambda name=name: (
                kubectl.run("exec", pod, "--", "getent", "hosts", name).stdout[:20].split()[:1] == [address]
            )
        )
