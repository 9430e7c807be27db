from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cloudk8s.client.kubeconfig import Connection, in_cluster, load_connection, load_kubeconfig
from cloudk8s.errors import UserError

CONFIG = """
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: one
  cluster: {server: "https://one:6443/", certificate-authority-data: %s, tls-server-name: api}
- name: two
  cluster: {server: "https://two", insecure-skip-tls-verify: true}
contexts:
- name: main
  context: {cluster: one, user: cert, namespace: team}
- name: other
  context: {cluster: two, user: token}
- name: plugin
  context: {cluster: two, user: exec}
- name: broken
  context: {cluster: three, user: exec}
users:
- name: cert
  user: {client-certificate: certs/me.crt, client-key-data: %s}
- name: token
  user: {tokenFile: token, as: jane, as-groups: [dev], as-user-extra: {reason: [test]}}
- name: exec
  user:
    exec: {command: ./get-token, args: [a, "1"], env: [{name: A, value: b}], provideClusterInfo: true,
           apiVersion: client.authentication.k8s.io/v1}
""" % (base64.b64encode(b"CA").decode(), base64.b64encode(b"KEY").decode())  # noqa: UP031


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "me.crt").write_bytes(b"CERT")
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def test_certificates_come_from_data_or_from_files_beside_the_kubeconfig(path: Path) -> None:
    found = load_kubeconfig(path)
    assert (found.server, found.namespace, found.tls_server_name) == ("https://one:6443", "team", "api")
    assert (found.ca, found.certificate, found.key) == (b"CA", b"CERT", b"KEY")
    assert "KEY" not in repr(found)


def test_a_context_can_be_chosen(path: Path) -> None:
    found = load_kubeconfig(path, context="other")
    assert (found.server, found.insecure, found.namespace) == ("https://two", True, "default")
    assert found.token_file == path.parent / "token"
    assert found.impersonate is not None
    assert (found.impersonate.user, found.impersonate.groups) == ("jane", ("dev",))
    assert found.impersonate.extra == {"reason": ("test",)}


def test_exec_plugins_are_described(path: Path) -> None:
    plugin = load_kubeconfig(path, context="plugin").exec
    assert plugin is not None
    assert plugin.command == str(path.parent / "get-token")
    assert (plugin.arguments, plugin.environment) == (("a", "1"), {"A": "b"})
    assert plugin.provide_cluster_info


@pytest.mark.parametrize(
    ("context", "message"),
    [("none", 'no context "none"; it has broken, main, other, plugin'), ("broken", 'names a cluster "three"')],
)
def test_what_is_missing_is_named(path: Path, context: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_kubeconfig(path, context=context)


def test_a_missing_or_broken_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_kubeconfig(tmp_path / "none")
    (tmp_path / "bad").write_text("a: [")
    with pytest.raises(UserError, match="is not YAML"):
        load_kubeconfig(tmp_path / "bad")


def test_files_of_the_environment_variable_are_merged(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first"
    first.write_text("current-context: mine\ncontexts: [{name: mine, context: {cluster: two, user: none}}]\n")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'none'}:{path}")
    assert load_connection().server == "https://two"
    assert load_connection(context="main").server == "https://one:6443"


def test_another_server_is_shown_no_credentials_but_those_of_the_file_that_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert load_connection(master="http://other:8080/") == Connection(server="http://other:8080")
    found = load_connection(path, context="main", master="https://other")
    assert (found.server, found.certificate) == ("https://other", b"CERT")


def test_in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "t"), ("ca.crt", "CA"), ("namespace", "pods\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = in_cluster(tmp_path)
    assert (found.server, found.namespace, found.ca) == ("https://[fd00::1]:443", "pods", b"CA")
    assert found.token_file == tmp_path / "token"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(UserError, match="not inside a cluster"):
        in_cluster(tmp_path)
