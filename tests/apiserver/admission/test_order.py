"""Which plugins there are, in which order they are called, and how an administrator chooses among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest
from cloudk8s.apiserver.admission.order import built_in, selected
from cloudk8s.controlplane.api_server import ApiServerOptions, running_api_server
from cloudk8s.errors import Invalid, SettingsError
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster

UPSTREAM = (
    "NamespaceLifecycle", "LimitRanger", "ServiceAccount", "NodeRestriction", "TaintNodesByCondition", "PodSecurity",
    "Priority", "DefaultTolerationSeconds", "DefaultStorageClass", "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize", "RuntimeClass", "CertificateApproval", "CertificateSigning",
    "CertificateSubjectRestriction", "DefaultIngressClass", "PodTopologyLabels", "ResourceQuota",
)  # fmt: skip
"""Of upstream's list those that need no policy, no webhook and no configuration."""


class Noting(AdmissionPlugin):
    """Writes down that it was called, and what the object was like."""

    def __init__(self, name: str, called: list[str]) -> None:
        self.name = name
        self._called = called

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        if request.resource.plural == "configmaps":
            self._called.append(f"admit {self.name} after {''.join(request.obj.get('data') or {})}")
            request.obj.setdefault("data", {})[self.name] = ""

    def validate(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        if request.resource.plural == "configmaps":
            self._called.append(f"validate {self.name} after {''.join(request.obj['data'])}")


def names(plugins: Sequence[AdmissionPlugin]) -> list[str]:
    return [plugin.name for plugin in plugins if plugin.name]


def test_plugins_stand_in_upstreams_order() -> None:
    assert tuple(name for name in names(built_in()) if name in UPSTREAM) == UPSTREAM
    assert names(built_in(others=[Noting("mine", [])]))[-2:] == ["mine", "ResourceQuota"], "the quota is charged last"


def test_an_administrator_leaves_some_out() -> None:
    left = names(selected(built_in(), enabled=["NodeRestriction"], disabled=["PodSecurity", "Priority"]))
    assert {"PodSecurity", "Priority"} & set(left) == set()
    assert "NodeRestriction" in left
    with pytest.raises(SettingsError, match="there is no admission plugin 'PodSecurty'; did you mean 'PodSecurity'"):
        selected(built_in(), disabled=["PodSecurty"])
    with pytest.raises(SettingsError, match="'Priority' is both enabled and disabled"):
        selected(built_in(), enabled=["Priority"], disabled=["Priority"])


async def test_all_may_change_the_object_before_any_looks_at_the_final_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    others = [Noting("a", called), Noting("b", called)]
    monkeypatch.setattr("cloudk8s.controlplane.api_server.admission_plugins", lambda plugins: others)
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        cluster = Cluster(server)
        path = "/api/v1/namespaces/default/configmaps"
        called.clear()  # of what a server makes for itself
        await cluster.call("POST", path, {"metadata": {"name": "c"}})
        assert called == ["admit a after ", "admit b after a", "validate a after ab", "validate b after ab"]
        called.clear()
        with pytest.raises(Invalid):
            await cluster.call("POST", path, {"metadata": {"name": "no name"}})
    assert called == ["admit a after ", "admit b after a"], "what is invalid is shown to nobody any more"


async def test_a_plugin_that_is_left_out_refuses_nothing(tmp_path: Path) -> None:
    options = ApiServerOptions(disabled_admission=("PodSecurity",))
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings, options) as server:
        cluster = Cluster(server)
        await cluster.namespace("tight", enforce="restricted")
        await cluster.pod("tight", "p", {"hostNetwork": True})
