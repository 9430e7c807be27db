"""Lives of objects around pods, networks and storage, as upstream's suite goes through them since 1.21."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cloudk8s.client.credentials import Credential
from cloudk8s.client.kubeconfig import Connection, load_kubeconfig
from cloudk8s.client.transport import tls_context
from tests.e2e.conftest import Cluster

pytestmark = pytest.mark.kubectl
DRIVER = "csi.example.com"
REST = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
PARENT = {"parentRef": {"group": "", "resource": "services", "namespace": "default", "name": "kubernetes"}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "csidrivers": ("/apis/storage.k8s.io/v1", {"spec": {"attachRequired": False}}),
    "csinodes": ("/apis/storage.k8s.io/v1", {"spec": {"drivers": []}}),
    "csistoragecapacities": ("/apis/storage.k8s.io/v1/namespaces/{}", {"storageClassName": "c", "capacity": "1Gi"}),
    "storageclasses": ("/apis/storage.k8s.io/v1", {"provisioner": DRIVER}),
    "volumeattributesclasses": ("/apis/storage.k8s.io/v1", {"driverName": DRIVER, "parameters": {"a": "b"}}),
    "volumeattachments": (
        "/apis/storage.k8s.io/v1",
        {"spec": {"attacher": DRIVER, "nodeName": "nowhere", "source": {"persistentVolumeName": "none"}}},
    ),
    "persistentvolumes": (
        "/api/v1",
        {"spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "none-such",
            "csi": {"driver": DRIVER, "volumeHandle": "x"},
        }},
    ),
    "persistentvolumeclaims": (
        "/api/v1/namespaces/{}",
        {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none-such",
                  "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    "podtemplates": (
        "/api/v1/namespaces/{}",
        {"template": {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}},
    ),
    "endpointslices": (
        "/apis/discovery.k8s.io/v1/namespaces/{}",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.3"]}], "ports": [{"port": 80}]},
    ),
    "runtimeclasses": ("/apis/node.k8s.io/v1", {"handler": "none"}),
    "ingressclasses": ("/apis/networking.k8s.io/v1", {"spec": {"controller": "example.com/controller"}}),
    "ipaddresses": ("/apis/networking.k8s.io/v1", {"spec": PARENT}),
}  # fmt: skip
NAMES = {"ipaddresses": ("203.0.113.77", "fe80::77", "203.0.113.78")}


class Api:
    """Asks for paths as an administrator, and is told status and body."""

    def __init__(self, connection: Connection) -> None:
        self._server = connection.server
        credential = Credential(certificate=connection.certificate, key=connection.key)
        self._context = tls_context(connection, credential)

    def __call__(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json", **query: str
    ) -> tuple[int, Any]:
        url = f"{self._server}{path}?{urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20, context=self._context) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def must(self, *arguments: Any, **more: Any) -> Any:
        status, body = self(*arguments, **more)
        assert status < 300, body
        return body


@pytest.fixture
def api(control_plane: Cluster) -> Api:
    file = Path(control_plane.environment["KUBECONFIG"])
    return Api(load_kubeconfig(file, context=f"cloudk8s-{control_plane.name}"))


def until(look: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("plural", KINDS)
def test_an_object_is_made_changed_listed_and_deleted(api: Api, namespace: str, plural: str) -> None:
    prefix, body = KINDS[plural]
    path, label = f"{prefix.format(namespace)}/{plural}", {"lives": plural}
    names = NAMES.get(plural, tuple(f"{plural}-{number}.example.com" for number in range(3)))
    made = [api.must("POST", path, {**body, "metadata": {"name": name, "labels": label}}) for name in names]
    assert api("POST", path, {**body, "metadata": {"name": names[0]}})[1]["reason"] == "AlreadyExists"
    one = api.must("GET", f"{path}/{names[0]}")
    assert one["metadata"]["uid"] == made[0]["metadata"]["uid"]
    patched = api.must("PATCH", f"{path}/{names[0]}", {"metadata": {"annotations": {"a": "patched"}}}, kind=REST)
    assert int(patched["metadata"]["resourceVersion"]) > int(one["metadata"]["resourceVersion"])
    put = api.must(
        "PUT", f"{path}/{names[0]}", {**patched, "metadata": {**patched["metadata"], "annotations": {"a": "put"}}}
    )
    assert put["metadata"]["annotations"]["a"] == "put"

    def listed() -> set[str]:
        found = api.must("GET", path, labelSelector=f"lives={plural}")["items"]
        return {each["metadata"]["name"] for each in found}

    assert listed() == set(names)
    api.must("DELETE", f"{path}/{names[0]}")
    until(lambda: listed() == set(names[1:]), f"{names[0]} stays")
    api.must("DELETE", path, labelSelector=f"lives={plural}")
    until(lambda: not listed(), f"some of {plural} stay")


@pytest.mark.parametrize(
    ("plural", "status"),
    [
        ("persistentvolumes", {"reason": "told", "message": "by a test"}),
        ("persistentvolumeclaims", {"conditions": [{"type": "Told", "status": "True"}]}),
        ("volumeattachments", {"attached": True}),
    ],
)
def test_a_status_of_storage_is_patched_and_put(api: Api, namespace: str, plural: str, status: dict[str, Any]) -> None:
    prefix, body = KINDS[plural]
    path, name = f"{prefix.format(namespace)}/{plural}", f"status-{plural}"
    api.must("POST", path, {**body, "metadata": {"name": name}})
    until(
        lambda: plural == "volumeattachments" or "phase" in api.must("GET", f"{path}/{name}/status")["status"], "phase"
    )
    patched = api.must("PATCH", f"{path}/{name}/status", {"status": status}, kind=REST)
    assert {key: len(str(patched["status"][key])) >= len(str(value)) for key, value in status.items()} == dict.fromkeys(
        status, True
    )
    put = {**patched, "status": {**patched["status"], **({"attached": False} if "attached" in status else {})}}
    assert api.must("PUT", f"{path}/{name}/status", put)["status"] == put["status"]
    api.must("DELETE", f"{path}/{name}")


def pod(name: str, **fields: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "nginx"}], "terminationGracePeriodSeconds": 0, **fields}
    return {"metadata": {"name": name, "generation": 100}, "spec": spec}


def test_a_pods_generation_follows_its_spec(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    assert (
        api.must("POST", path, pod("p", initContainers=[{"name": "i", "image": "busybox"}]))["metadata"]["generation"]
        == 1
    )
    changes: list[tuple[dict[str, Any], int]] = [
        ({"spec": {"activeDeadlineSeconds": 5000}}, 2), ({"spec": {"activeDeadlineSeconds": 5000}}, 2),
        ({"metadata": {"annotations": {"a": "b"}}}, 2), ({"metadata": {"generation": 7}}, 2),
        ({"spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}, 3),
        ({"spec": {"initContainers": [{"name": "i", "image": "busybox:1"}]}}, 4),
        ({"spec": {"tolerations": [{"key": "k", "operator": "Exists"}]}}, 5),
    ]  # fmt: skip
    for patch, generation in changes:
        if "tolerations" in str(patch):
            tolerations = api.must("GET", f"{path}/p")["spec"]["tolerations"]
            patch = {"spec": {"tolerations": [*tolerations, *patch["spec"]["tolerations"]]}}
        assert api.must("PATCH", f"{path}/p", patch, kind=STRATEGIC)["metadata"]["generation"] == generation, patch
    until(lambda: api.must("GET", f"{path}/p")["status"]["phase"] == "Running", "the pod does not run")
    going = api.must("DELETE", f"{path}/p", gracePeriodSeconds="60")
    assert (going["metadata"]["generation"], going["metadata"]["deletionGracePeriodSeconds"]) == (6, 60)


def test_a_runtime_class_must_be_there_and_brings_its_overhead(api: Api, namespace: str) -> None:
    path, classes = f"/api/v1/namespaces/{namespace}/pods", "/apis/node.k8s.io/v1/runtimeclasses"
    status, refused = api("POST", path, pod("none", runtimeClassName="no-such-class"), dryRun="All")
    assert (status, refused["reason"]) == (403, "Forbidden")
    api.must("POST", classes, {"metadata": {"name": "plain"}, "handler": "host"})
    overhead = {"podFixed": {"cpu": "10m", "memory": "1Mi"}}
    api.must("POST", classes, {"metadata": {"name": "heavy"}, "handler": "host", "overhead": overhead})
    until(lambda: api("POST", path, pod("p", runtimeClassName="plain"))[0] == 201, "plain is not known")
    until(lambda: api("POST", path, pod("q", runtimeClassName="heavy"))[0] == 201, "heavy is not known")
    plain, heavy = (api.must("GET", f"{path}/{name}")["spec"] for name in "pq")
    assert (plain.get("overhead"), heavy["overhead"]) == (None, overhead["podFixed"])
    until(lambda: bool(api.must("GET", f"{path}/q")["spec"].get("nodeName")), "it is not scheduled")
    for name in ("plain", "heavy"):
        api.must("DELETE", f"{classes}/{name}")
    until(lambda: api("POST", path, pod("r", runtimeClassName="plain"), dryRun="All")[0] == 403, "it is known still")


def test_names_of_kernel_parameters_are_looked_at(api: Api, namespace: str) -> None:
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    wanted = {"sysctls": [{"name": name, "value": "1"} for name in names]}
    status, refused = api("POST", f"/api/v1/namespaces/{namespace}/pods", pod("p", securityContext=wanted))
    assert status == 422
    assert 'Invalid value: "foo-"' in refused["message"]
    assert 'Invalid value: "bar.."' in refused["message"]
    assert "kernel.shmmax" not in refused["message"]
    assert "safe-and-unsafe" not in refused["message"]


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
def test_what_is_immutable_stays_so(api: Api, namespace: str, plural: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/{plural}"
    api.must("POST", path, {"metadata": {"name": "x"}, "data": {"a": "b29uZQ=="}, "immutable": True})
    for patch in ({"data": {"a": "dHdv"}}, {"immutable": False}, {"immutable": None}):
        assert api("PATCH", f"{path}/x", patch, kind=REST)[0] == 422, patch
    api.must("PATCH", f"{path}/x", {"metadata": {"labels": {"a": "b"}}}, kind=REST)
    api.must("DELETE", f"{path}/x")


def test_a_service_of_another_class_is_left_to_others(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services"
    spec = {"type": "LoadBalancer", "loadBalancerClass": "example.com/internal-vip", "ports": [{"port": 80}]}
    api.must("POST", path, {"metadata": {"name": "s", "labels": {"set": "one"}}, "spec": spec})
    ingress = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    patch = {"metadata": {"annotations": {"patched": "yes"}}, "status": ingress}
    patched = api.must("PATCH", f"{path}/s/status", patch, kind=REST)
    assert patched["metadata"]["annotations"] == {"patched": "yes"}
    assert patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
    conditions = [{"type": "Told", "status": "True", "reason": "E2E", "message": "m"}]
    put = api.must("PUT", f"{path}/s/status", {**patched, "status": {**patched["status"], "conditions": conditions}})
    assert put["status"]["conditions"][0]["type"] == "Told"
    assert "finalizers" not in put["metadata"]
    for name in ("t", "u"):
        api.must(
            "POST", path, {"metadata": {"name": name, "labels": {"set": "one"}}, "spec": {"ports": [{"port": 80}]}}
        )
    api.must("DELETE", path, labelSelector="set=one")
    assert api.must("GET", path)["items"] == []


def test_a_node_without_an_agent_stays_until_it_is_deleted(api: Api) -> None:
    ready = [{"type": "Ready", "status": "True"}]
    body = {"metadata": {"name": "paper"}, "spec": {"unschedulable": True}, "status": {"conditions": ready}}
    api.must("POST", "/api/v1/nodes", body)
    api.must("PATCH", "/api/v1/nodes/paper", {"metadata": {"labels": {"paper": "yes"}}}, kind=STRATEGIC)
    (found,) = api.must("GET", "/api/v1/nodes", labelSelector="paper=yes")["items"]
    found["metadata"]["labels"]["paper"] = "torn"
    api.must("PUT", "/api/v1/nodes/paper", found)
    api.must("DELETE", "/api/v1/nodes/paper")
    until(lambda: api("GET", "/api/v1/nodes/paper")[0] == 404, "the node stays")


def test_endpoints_made_by_hand_are_mirrored(api: Api, namespace: str) -> None:
    core, slices = f"/api/v1/namespaces/{namespace}", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    api.must("POST", f"{core}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})

    def addresses() -> list[str]:
        found = api.must("GET", slices, labelSelector="kubernetes.io/service-name=s")["items"]
        return [address for each in found for entry in each["endpoints"] or () for address in entry["addresses"]]

    for verb, path, ip in (("POST", "endpoints", "192.0.2.1"), ("PUT", "endpoints/s", "192.0.2.2")):
        subsets = [{"addresses": [{"ip": ip}], "ports": [{"port": 80}]}]
        api.must(verb, f"{core}/{path}", {"metadata": {"name": "s"}, "subsets": subsets})
        until(lambda ip=ip: addresses() == [ip], f"{ip} is not mirrored")  # type: ignore[misc]
    api.must("DELETE", f"{core}/endpoints/s")
    until(lambda: addresses() == [], "the mirror stays")


def test_the_range_of_services_is_an_object_with_a_status(api: Api) -> None:
    found = api.must("GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes/status")
    assert (found["kind"], bool(found["spec"]["cidrs"]), bool(found["metadata"]["uid"])) == ("ServiceCIDR", True, True)
