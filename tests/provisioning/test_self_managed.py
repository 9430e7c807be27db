"""What it means for a declaration that a cluster looks after itself."""

from __future__ import annotations

import json

import pytest

from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.bootstrap.native import native
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.template import groups_of
from cloudk8s.provisioning.network import network_request
from tests.provisioning.harness import declaration, workers

SETTINGS = {
    "region": "us-east-1", "profile": "mine", "role_arn": "arn:aws:iam::1:role/admin", "secret_access_key": "hush",
    "session_token": "hush",
}  # fmt: skip


def user_data(*, self_managed: bool) -> str:
    declared = declaration(selfManaged=self_managed, settings=SETTINGS, pools=workers(1))
    request = MachineRequest("u", "demo-control-plane-0", "demo", "control-plane", "control-plane")
    return native({}).control_plane(Facts(declared, Seed(bytes(32)), "10.0.0.1:6443"), request).decode()


def test_the_control_plane_is_told_where_its_machines_are_and_no_secrets() -> None:
    text = user_data(self_managed=True)
    assert json.dumps({"provider": "simulated", "settings": {"region": "us-east-1"}}, separators=(",", ":")) in text
    assert "hush" not in text
    assert '"manages"' not in user_data(self_managed=False)


def test_the_clusters_own_controllers_have_the_providers_settings_and_nobodys_identity() -> None:
    fields = {"settings": {**SETTINGS, "classic": True, "tags": {"team": "a"}}, "pools": workers(1)}
    declared = ClusterDeclaration.model_validate({"name": "demo", "provider": "aws", **fields})
    request = MachineRequest("u", "demo-control-plane-0", "demo", "control-plane", "control-plane")
    text = native({}).control_plane(Facts(declared, Seed(bytes(32)), "10.0.0.1:6443"), request).decode()
    known = {"region": "us-east-1", "classic": True, "tags": {"team": "a"}}
    cloud = {"name": "aws", "provider": "aws", "settings": known}
    assert f'"clouds":{json.dumps([cloud], separators=(",", ":"), sort_keys=True)}' in text


def test_only_the_control_plane_is_another_one() -> None:
    before = {group.name: group.template.hash for group in groups_of(declaration())}
    after = {group.name: group.template.hash for group in groups_of(declaration(selfManaged=True))}
    assert before["control-plane"] != after["control-plane"]
    assert before["workers"] == after["workers"]


def test_the_network_is_asked_to_allow_it() -> None:
    assert network_request(declaration(selfManaged=True)).self_managed
    assert not network_request(declaration()).self_managed


def test_others_control_planes_can_not() -> None:
    with pytest.raises(SettingsError, match="selfManaged needs a control plane of our own"):
        declaration(selfManaged=True, bootstrap={"method": "k3s"})
