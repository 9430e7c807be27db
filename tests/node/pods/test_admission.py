"""Which pods a node takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.node.pods.admission import Host, rejection
from cloudk8s.node.pods.requests import requests
from cloudk8s.node.pods.room import victims

from .given import each
from .given import pod as given_pod

ALLOCATABLE = {"cpu": "2", "memory": "1Gi", "pods": "3"}
TAINT = {"key": "old", "effect": "NoExecute"}
HOST = Host(
    {"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}, "spec": {"taints": [TAINT]}}, ALLOCATABLE,
    allowed_sysctls=("net.core.*",),
)  # fmt: skip


def pod(*names: str, **spec: Any) -> Object:
    return given_pod(*names, **({"tolerations": [{"key": "old", "operator": "Exists"}]} | spec))


def reason(wanted: Object, *others: Object) -> str:
    found = rejection(wanted, others, HOST)
    return "" if found is None else found.reason


def sized(cpu: str, **fields: Any) -> Object:
    return pod(containers=[each("c", resources={"requests": {"cpu": cpu}})], **fields)


def ported(port: int, **fields: Any) -> Object:
    return pod(containers=[each("c", ports=[{"containerPort": 80, "hostPort": port, **fields}])])


def test_a_node_refuses_what_it_has_no_room_for() -> None:
    assert reason(sized("1500m")) == ""
    assert reason(sized("1500m"), sized("1")) == "OutOfcpu"
    assert reason(pod(), pod(), pod(), pod()) == "OutOfpods"


def wanting(operator: str, *values: str) -> Object:
    terms = [{"matchExpressions": [{"key": "cores", "operator": operator, "values": list(values)}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return pod(affinity={"nodeAffinity": required})


def test_a_node_refuses_what_does_not_belong_on_it() -> None:
    assert reason(pod(nodeSelector={"disk": "ssd"})) == ""
    assert reason(pod(nodeSelector={"disk": "hdd"})) == "NodeAffinity"
    assert reason(wanting("Gt", "4")) == ""
    assert reason(wanting("In", "4")) == "NodeAffinity"
    assert reason(pod(tolerations=[])) == "TaintToleration"
    assert reason(pod(os={"name": "linux"})) == ""
    assert reason(pod(os={"name": "windows"})) == "PodOSNotSupported"
    assert reason(pod(nodeSelector={"kubernetes.io/os": "windows"})) == "PodOSSelectorNodeLabelDoesNotMatch"


def setting(name: str, **spec: Any) -> Object:
    return pod(securityContext={"sysctls": [{"name": name, "value": "1"}]}, **spec)


def test_kernel_parameters_must_be_safe_or_allowed_and_the_pods_own() -> None:
    assert reason(setting("kernel.shm_rmid_forced")) == ""
    assert reason(setting("kernel/shm_rmid_forced")) == ""
    assert reason(setting("kernel.msgmax")) == "SysctlForbidden"
    assert reason(setting("net.core.somaxconn")) == ""
    assert reason(setting("net.core.somaxconn", hostNetwork=True)) == "SysctlForbidden"
    assert reason(setting("kernel.shm_rmid_forced", hostIPC=True)) == "SysctlForbidden"


def test_ports_of_the_host_conflict_by_address_and_protocol() -> None:
    assert reason(ported(80), ported(80)) == "NodePorts"
    assert reason(ported(80), ported(81)) == ""
    assert reason(ported(80, protocol="UDP"), ported(80)) == ""
    assert reason(ported(80, hostIP="10.0.0.1"), ported(80, hostIP="10.0.0.2")) == ""
    assert reason(ported(80, hostIP="10.0.0.1"), ported(80)) == "NodePorts"


def chosen(wanted: Object, *others: Object) -> Sequence[str]:
    return [other["metadata"]["name"] for other in victims(wanted, others, ALLOCATABLE)]


def named(name: str, of: Object) -> Object:
    return {**of, "metadata": {**of["metadata"], "name": name}}


def test_a_critical_pod_sends_away_as_few_as_possible_of_those_that_matter_less() -> None:
    critical = sized("1500m", priority=2_000_001_000)
    assert reason(critical, sized("1")) == "", "there is a way"
    small, large = named("small", sized("500m")), named("large", sized("1500m"))
    assert chosen(critical, small, large) == ["large"]
    assert chosen(critical, named("idle", pod()), named("busy", sized("1"))) == ["busy"]
    assert chosen(critical, named("also", sized("1", priority=2_000_001_000))) == []
    assert chosen(sized("3", priority=2_000_001_000), small) == [], "it would not help"


def test_a_pod_needs_its_containers_or_its_hungriest_init_container() -> None:
    def need(amount: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": amount}}}

    both = given_pod(
        containers=[each("a", **need("1")), each("b", **need("1"))],
        init=(each("side", restartPolicy="Always", **need("500m")), each("i", **need("3"))),
        overhead={"cpu": "100m"},
    )

    assert requests(both)["cpu"].milli_value == 3600
