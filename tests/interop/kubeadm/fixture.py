"""What machines of the tests are made with: images, programs, the pod network, and the cluster file that names them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.interop.kubeadm import images
from tests.interop.upstream import Upstream
from tests.node.runtimes.cri.containerd import CNI_PLUGINS

HERE = Path(__file__).parent
_CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
"""
_IGNORED = ("SystemVerification", "NumCPU", "Mem")
"""The kernel's settings can't be read everywhere; small machines will do."""


def furnish(folder: Path, upstream: Upstream, versions: Sequence[str]) -> None:
    """Put everything into a folder that machines read."""
    images.make(folder / "images", upstream, versions)
    (folder / "programs").mkdir()
    for name in ("kubeadm", "kubelet", "kubectl"):
        (folder / "programs" / name).symlink_to(upstream.path(name))
    crictl = upstream.folder / "crictl"
    (folder / "programs" / "crictl").symlink_to(crictl if crictl.is_file() else HERE / "crictl")
    for name in ("machine.sh", "systemctl", "services"):
        shutil.copy(HERE / name, folder / name)
    pause = images.wanted(upstream, versions[0])["pause"]
    (folder / "containerd.toml").write_text(_CONTAINERD.format(pause=pause, plugins=CNI_PLUGINS))
    (folder / "network.json").write_text(json.dumps(_network()))


def cluster_file(folder: Path, name: str, version: str, *, control_planes: int, workers: int) -> Path:
    """A cluster whose machines boot from the folder. JSON is YAML, too."""
    install = f'[ -n "${{MACHINE_CGROUPS:-}}" ] || exec sh {folder}/machine.sh {folder} "$0"'
    options = {"install": install, "network": f"{folder}/network.json", "ignore": list(_IGNORED)}
    declared = {
        "name": name, "provider": "local", "kubernetesVersion": version,
        "controlPlane": {"replicas": control_planes},
        "pools": [{
            "name": "web", "replicas": workers, "labels": {"tier": "web"},
            "taints": [{"key": "web", "value": "only", "effect": "NoSchedule"}],
        }],
        "bootstrap": {"method": "kubeadm", "options": options},
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(declared))
    return path


def _network() -> dict[str, Any]:
    """A DaemonSet that looks after each node's pods."""
    paths = {"cni": ("/etc/cni/net.d", "/cni"), "kubernetes": ("/etc/kubernetes", "/etc/kubernetes"),
             "pki": ("/var/lib/kubelet/pki", "/var/lib/kubelet/pki")}  # fmt: skip
    container = {
        "name": "network", "image": images.TOOLS, "command": ["sh", "-c", (HERE / "network.sh").read_text()],
        "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "volumeMounts": [{"name": name, "mountPath": inside} for name, (_, inside) in paths.items()],
        "securityContext": {"privileged": True},
    }  # fmt: skip
    pod = {
        "hostNetwork": True, "tolerations": [{"operator": "Exists"}], "containers": [container],
        "terminationGracePeriodSeconds": 0, "priorityClassName": "system-node-critical",
        "volumes": [{"name": name, "hostPath": {"path": path}} for name, (path, _) in paths.items()],
    }  # fmt: skip
    labels = {"app": "network"}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "network", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }  # fmt: skip


def is_root() -> bool:
    return os.geteuid() == 0
