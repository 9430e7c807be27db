"""A machine of kubeadm's control plane leaves etcd before it goes; etcd's tool is a stand-in that pods run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudk8s.client.resources import PODS
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.provisioning.bootstrap.kubeadm import kubeadm
from cloudk8s.provisioning.bootstrap.stacked_etcd import StackedEtcd, member_id
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.machines.view import MachineView
from tests.provisioning.harness import SimulatedCloud, declaration
from tests.provisioning.objects.fake_api import FakeApi

IDS = {"cp-0": 0xA1, "cp-1": 0xB2, "cp-2": 0xFFFF_FFFF_FFFF_FFF0}


class Cluster(FakeApi):
    """Three members; pods of etcd's tool run when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.members = dict(IDS)
        self.logs: dict[str, str] = {}
        self.refuses = ""
        for name in IDS:
            spec = {"nodeName": name, "containers": [{"name": "etcd", "image": "etcd:3"}]}
            metadata = {"name": f"etcd-{name}", "labels": {"component": "etcd"}}
            self.create(PODS, {"metadata": metadata, "spec": spec})
            self.objects[PODS][f"etcd-{name}"]["status"] = {"phase": "Running"}

    def log(self, pod: str, namespace: str) -> str:
        assert namespace == "kube-system"
        if pod not in self.logs:
            raise NotFound("no log")
        return self.logs[pod]

    def run(self) -> list[str]:
        """Let every pod of the tool end; returns what was asked."""
        asked = []
        for name, pod in self.objects[PODS].items():
            if name.startswith("cloudk8s-") and "status" not in pod:
                arguments = pod["spec"]["containers"][0]["command"][5:]
                asked.append(" ".join(arguments))
                pod["status"] = {"phase": self._etcdctl(name, arguments)}
        return asked

    def _etcdctl(self, pod: str, arguments: list[str]) -> str:
        if arguments[1] == "list":
            entries = [{"ID": id, "name": name} for name, id in self.members.items()]
            self.logs[pod] = json.dumps({"header": {}, "members": entries})
            return "Succeeded"
        if self.refuses:
            self.logs[pod] = f"noise\n{self.refuses}\n"
            return "Failed"
        self.members = {name: id for name, id in self.members.items() if f"{id:x}" != arguments[2]}
        self.logs[pod] = "Member removed"
        return "Succeeded"


def tools(cluster: Cluster) -> list[str]:
    return [name for name in cluster.objects[PODS] if name.startswith("cloudk8s-")]


def test_a_member_leaves_before_its_machine_goes() -> None:
    cluster = Cluster()
    said = []
    for _ in range(10):
        reason = StackedEtcd(cluster).keeps("cp-2", ["cp-0", "cp-1"])  # type: ignore[arg-type]
        if not reason:
            break
        said.append(reason)
        cluster.run()
    assert sorted(cluster.members) == ["cp-0", "cp-1"]
    assert "member cp-2 has just left etcd" in said
    assert tools(cluster) == [], "nothing stays behind"


def test_the_tool_runs_beside_another_member_with_that_machines_certificates() -> None:
    cluster = Cluster()
    StackedEtcd(cluster).keeps("cp-0", ["cp-2", "cp-1"])  # type: ignore[arg-type]
    spec: Any = cluster.objects[PODS]["cloudk8s-etcd-members-cp-0"]["spec"]
    assert (spec["nodeName"], spec["hostNetwork"], spec["restartPolicy"]) == ("cp-1", True, "Never")
    assert spec["containers"][0]["image"] == "etcd:3"
    assert cluster.run() == ["member list -w json"]


def test_a_refusal_keeps_the_machine_and_all_is_asked_anew() -> None:
    cluster = Cluster()
    cluster.refuses = "etcdserver: re-configuration failed due to not enough started members"
    etcd = StackedEtcd(cluster)  # type: ignore[arg-type]
    said = []
    for _ in range(5):
        said.append(etcd.keeps("cp-1", ["cp-0"]))
        cluster.run()
    assert f"its member of etcd can't leave: {cluster.refuses}" in said
    assert len(cluster.members) == 3
    cluster.refuses = ""
    while etcd.keeps("cp-1", ["cp-0"]):
        cluster.run()
    assert "cp-1" not in cluster.members


def test_a_tool_that_never_ran_is_asked_anew() -> None:
    """Its pod failed before there was anything to read, or its log is gone."""
    cluster = Cluster()
    etcd = StackedEtcd(cluster)  # type: ignore[arg-type]
    for phase, message in (("Failed", "Pod was active on the node longer than the deadline"), ("Succeeded", "")):
        etcd.keeps("cp-1", ["cp-0"])
        cluster.objects[PODS]["cloudk8s-etcd-members-cp-1"]["status"] = {"phase": phase, "message": message}
        assert (message or "no log") in etcd.keeps("cp-1", ["cp-0"])
        assert tools(cluster) == []
    while etcd.keeps("cp-1", ["cp-0"]):
        cluster.run()
    assert "cp-1" not in cluster.members


def test_the_last_machine_and_clusters_without_stacked_etcd_have_nobody_to_ask() -> None:
    cluster = Cluster()
    assert StackedEtcd(cluster).keeps("cp-0", []) == ""  # type: ignore[arg-type]
    assert StackedEtcd(FakeApi()).keeps("cp-0", ["cp-1"]) == ""  # type: ignore[arg-type]


def test_machines_that_shall_go_wait_for_their_members_and_workers_do_not() -> None:
    cluster, site = Cluster(), SimulatedCloud().site()
    declared = declaration(controlPlane={"replicas": 3}, bootstrap={"method": "kubeadm"})
    joining = Joining(site, declared, kubeadm({}))
    joining.leaving.api, joining.leaving.serving = cluster, list(IDS)  # type: ignore[assignment]

    def view(name: str, role: str) -> MachineView:
        return MachineView(Machine(name, name, name, "demo", "running", role=role))  # type: ignore[arg-type]

    ready, waiting = joining.leaving.emptied([view("cp-2", "control-plane"), view("w", "worker")])
    assert [each.name for each in ready] == ["w"]
    assert waiting == {"machine cp-2": "its member of etcd is asked to leave, usually within seconds"}
    assert cluster.objects[PODS]["cloudk8s-etcd-members-cp-2"]["spec"]["nodeName"] == "cp-0"


def test_ids_are_told_as_the_tool_wants_them() -> None:
    listing = json.dumps({"members": [{"ID": 0xFFFF_FFFF_FFFF_FFF0, "name": "a"}, {"ID": 1}]})
    assert member_id(listing, "a") == "fffffffffffffff0"
    assert member_id(listing, "b") == ""
    warning = json.dumps({"level": "warn", "msg": "retrying of unary invoker failed"})
    assert member_id(f"{warning}\n{listing}\nnoise\n", "a") == "fffffffffffffff0"
    with pytest.raises(CloudK8sError, match="printed no members"):
        member_id(warning, "a")
    with pytest.raises(CloudK8sError, match="printed no members"):
        member_id("Error: context deadline exceeded", "a")
