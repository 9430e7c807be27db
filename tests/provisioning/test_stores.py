"""Where a control plane keeps its state is chosen once, and what can't be is told."""

from __future__ import annotations

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.stores import with_store
from tests.provisioning.harness import declaration


@pytest.mark.parametrize(
    ("plane", "store", "keeps_etcd"),
    [
        ({}, "", False),
        ({"store": "sqlite"}, "sqlite", False),
        ({"replicas": 3}, "etcd", True),
        ({"store": "etcd"}, "etcd", True),
    ],
)
def test_several_machines_choose_etcd(plane: dict[str, object], store: str, keeps_etcd: bool) -> None:
    found = with_store(declaration(controlPlane=plane), None)
    assert (found.control_plane.store, found.keeps_etcd, found.hands_over) == (store, keeps_etcd, not keeps_etcd)


def test_a_cluster_keeps_etcd_with_one_machine() -> None:
    recorded = with_store(declaration(controlPlane={"replicas": 3}), None)
    shrunk = with_store(declaration(controlPlane={"replicas": 1}), recorded)
    assert shrunk.keeps_etcd
    assert with_store(declaration(controlPlane={"replicas": 3}), shrunk).keeps_etcd


def test_a_cluster_on_sqlite_does_not_grow() -> None:
    recorded = with_store(declaration(), None)
    with pytest.raises(SettingsError, match="keeps its state in SQLite, on one machine; 3 machines need etcd"):
        with_store(declaration(controlPlane={"replicas": 3}), recorded)
    with pytest.raises(SettingsError, match="keeps its state in sqlite, which can't be changed"):
        with_store(declaration(controlPlane={"store": "etcd"}), recorded)
    with pytest.raises(SettingsError, match="keeps its state in SQLite"):
        with_store(declaration(controlPlane={"replicas": 3, "store": "sqlite"}), None)


def test_other_methods_have_stores_of_their_own() -> None:
    wanted = declaration(controlPlane={"replicas": 3}, bootstrap={"method": "kubeadm"})
    assert with_store(wanted, None) == wanted
    assert not wanted.keeps_etcd
    assert not wanted.hands_over
    with pytest.raises(SettingsError, match="method kubeadm has its own"):
        with_store(declaration(controlPlane={"store": "etcd"}, bootstrap={"method": "kubeadm"}), None)
