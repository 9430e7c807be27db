"""Upstream's configuration of a kubelet, as settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.node.configuration_file import load, settings_of, shown
from cloudk8s.node.settings import NodeSettings

FILE = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 50
containerLogMaxSize: 1Mi
evictionHard: {memory.available: 200Mi, nodefs.available: 5%}
evictionSoft: {memory.available: 1Gi}
evictionSoftGracePeriod: {memory.available: 1m30s}
evictionPressureTransitionPeriod: 30s
shutdownGracePeriod: 30s
allowedUnsafeSysctls: ["net.core.*"]
systemReserved: {cpu: 100m}
podPidsLimit: -1
seccompDefault: true
cgroupDriver: systemd
"""


def test_fields_become_settings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "kubelet.yaml"
    path.write_text(FILE)

    settings = NodeSettings(node_name="n1", root_dir=tmp_path, **load(path))

    assert (settings.max_pods, settings.container_log_max_bytes, settings.pod_pids_limit) == (50, 1 << 20, 0)
    assert settings.eviction_hard == "memory.available<200Mi,nodefs.available<5%"
    assert settings.eviction_soft_grace_period == "memory.available=1m30s"
    assert (settings.eviction_pressure_transition_seconds, settings.shutdown_grace_seconds) == (30.0, 30)
    assert (settings.allowed_unsafe_sysctls, settings.system_reserved) == (("net.core.*",), {"cpu": "100m"})
    assert settings.seccomp_default
    assert "cgroupDriver is not heeded" in caplog.text


def test_settings_are_shown_as_such_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kubelet.yaml"
    path.write_text(FILE)
    settings = NodeSettings(node_name="n1", root_dir=tmp_path, **load(path))

    found = shown(settings)

    assert (found["maxPods"], found["containerLogMaxSize"], found["seccompDefault"]) == (50, "1Mi", True)
    assert found["evictionHard"] == {"memory.available": "200Mi", "nodefs.available": "5%"}
    assert found["evictionSoftGracePeriod"] == {"memory.available": "1m30s"}
    assert (found["nodeStatusUpdateFrequency"], found["shutdownGracePeriod"]) == ("10s", "30s")
    assert found["userNamespaces"] == {"idsPerPod": 65_536}
    assert found["enforceNodeAllocatable"] == ["pods"]
    assert settings_of(found, "shown") == settings_of(shown(replace(settings)), "again")


def test_what_is_enforced_can_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    def read(*names: str) -> tuple[str, ...]:
        return tuple(settings_of({"enforceNodeAllocatable": list(names)}, "f")["enforce_node_allocatable"])

    assert (read("pods"), read("none"), read()) == (("pods",), (), ())
    assert caplog.text == ""
    assert read("pods", "kube-reserved") == ("pods",)
    assert "kube-reserved is not heeded" in caplog.text
    for wrong in (("none", "pods"), ("nodes",)):
        with pytest.raises(SettingsError, match="enforceNodeAllocatable"):
            read(*wrong)


@pytest.mark.parametrize("count", [0, 1000, -65_536])
def test_users_of_a_pod_are_counted_in_blocks(count: int) -> None:
    assert settings_of({"userNamespaces": {"idsPerPod": 131_072}}, "f") == {"users_per_pod": 131_072}
    if count:
        with pytest.raises(SettingsError, match="multiple of 65536"):
            settings_of({"userNamespaces": {"idsPerPod": count}}, "f")


@pytest.mark.parametrize(
    ("text", "words"),
    [("kind: Pod", "not a KubeletConfiguration"), (FILE.replace("30s", "soon"), "soon"), ("a: [", "kubelet.yaml")],
)
def test_what_can_not_be_is_the_users_mistake(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "kubelet.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load(path)
