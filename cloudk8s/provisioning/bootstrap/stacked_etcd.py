"""Members of an etcd that runs beside each API server, as kubeadm makes it: a machine's member leaves before it goes.

Nobody but etcd's own tool is asked: a pod on another machine of the control plane lists the members, another one takes
the machine's out. Both say in the API how far they are, so any process can go on with what another one began. etcd
refuses what would cost its quorum; the machine then stays, and the refusal is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, spec_of, status_of
from cloudk8s.client.resources import PODS
from cloudk8s.errors import CloudK8sError, StatusError
from cloudk8s.machinery import codec
from cloudk8s.provisioning.nodes.api import ClusterApi

NAMESPACE: Final = "kube-system"
PKI: Final = "/etc/kubernetes/pki/etcd"
_LIST, _REMOVE = "cloudk8s-etcd-members", "cloudk8s-etcd-leave"


@dataclass(frozen=True, slots=True)
class StackedEtcd:
    """The members of one cluster, as far as its API tells."""

    api: ClusterApi

    def keeps(self, machine: str, others: Iterable[str]) -> str:
        """What keeps a machine that shall go; its member is on its way out from now on. `others` are ready."""
        pods = {name_of(pod): pod for pod in self.api.list(PODS, namespace=NAMESPACE)}
        survivor = next((pod for name in sorted(others) if (pod := _member(pods.values(), name)) is not None), None)
        if survivor is None:
            return ""
        listed = self._run(pods, _LIST, machine, survivor, ["member", "list", "-w", "json"])
        if isinstance(listed, Waiting):
            return listed.reason
        id = member_id(listed, machine)
        if id:
            left = self._run(pods, _REMOVE, machine, survivor, ["member", "remove", id])
            if isinstance(left, Waiting):
                return left.reason
        self._clear(machine)
        return f"member {machine} has just left etcd" if id else ""

    def _clear(self, machine: str) -> None:
        for what in (_LIST, _REMOVE):
            self.api.delete(PODS, f"{what}-{machine}", NAMESPACE)

    def _run(
        self, pods: dict[str, Object], what: str, machine: str, survivor: Object, arguments: list[str]
    ) -> str | Waiting:
        """What etcd's tool printed, once it has. Where it failed all is begun anew: what it knew may be old."""
        name = f"{what}-{machine}"
        pod = pods.get(name)
        if pod is None:
            self.api.create(PODS, _pod(name, survivor, arguments))
            return Waiting("its member of etcd is asked to leave, usually within seconds")
        status = status_of(pod)
        if status.get("phase") not in ("Succeeded", "Failed"):
            return Waiting("its member of etcd is leaving, usually within seconds")
        try:
            printed = self.api.log(name, NAMESPACE)
        except StatusError as error:
            failure = str(status.get("message") or error)
        else:
            if status["phase"] == "Succeeded":
                return printed
            failure = printed.strip().rpartition("\n")[2] or "etcdctl failed"
        self._clear(machine)
        return Waiting(f"its member of etcd can't leave: {failure}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer is not there yet."""

    reason: str


def member_id(listing: str, name: str) -> str:
    """The id of a member as etcd's tool wants it; empty where there is none of this name. Raises CloudK8sError."""
    members = next((found for line in listing.splitlines() if (found := _members_in(line)) is not None), None)
    if members is None:
        raise CloudK8sError(f"etcdctl member list printed no members: {listing[:80]!r}")
    return next((f"{int(each['ID']):x}" for each in members if each.get("name") == name), "")


def _members_in(line: str) -> Sequence[Mapping[str, Any]] | None:
    """None for what the tool says beside its answer: warnings, as JSON too."""
    try:
        answer = codec.decode(line.encode())
    except codec.DecodeError:
        return None
    found: Sequence[Mapping[str, Any]] | None = answer.get("members") if isinstance(answer, dict) else None
    return found


def _member(pods: Iterable[Object], node: str) -> Object | None:
    """The running etcd of a node."""
    return next(
        (
            pod for pod in pods
            if labels_of(pod).get("component") == "etcd" and spec_of(pod).get("nodeName") == node
            and status_of(pod).get("phase") == "Running"
        ),
        None,
    )  # fmt: skip


def _pod(name: str, survivor: Object, arguments: list[str]) -> dict[str, Any]:
    """etcd's tool beside a member, with the certificates of that member's machine."""
    command = [
        "etcdctl", "--endpoints=https://127.0.0.1:2379", f"--cacert={PKI}/ca.crt",
        f"--cert={PKI}/healthcheck-client.crt", f"--key={PKI}/healthcheck-client.key", *arguments,
    ]  # fmt: skip
    container = {
        "name": "etcdctl", "image": spec_of(survivor)["containers"][0]["image"], "command": command,
        "volumeMounts": [{"name": "pki", "mountPath": PKI, "readOnly": True}],
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "nodeName": spec_of(survivor)["nodeName"], "hostNetwork": True, "restartPolicy": "Never",
            "activeDeadlineSeconds": 60, "tolerations": [{"operator": "Exists"}], "containers": [container],
            "automountServiceAccountToken": False, "priorityClassName": "system-node-critical",
            "volumes": [{"name": "pki", "hostPath": {"path": PKI, "type": "Directory"}}],
        },
    }  # fmt: skip
