"""Where an API server is and who we are to it: kubeconfig files and the in-cluster environment.

Files are read here, at start-up; what must be read again later (token files, exec plugins) leaves as a description.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ryaml

from cloudk8s.errors import UserError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A command that prints an ExecCredential (client.authentication.k8s.io)."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    api_version: str
    provide_cluster_info: bool = False
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Act as somebody else, as `kubectl --as` does."""

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """One API server and one identity; secrets do not show in its representation."""

    server: str
    namespace: str = "default"
    ca: bytes = field(default=b"", repr=False)
    """PEM certificates to trust; empty are the system's."""
    insecure: bool = False
    tls_server_name: str = ""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    exec: ExecPlugin | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    impersonate: Impersonation | None = None


def load_connection(path: Path | str | None = None, *, context: str = "", master: str = "") -> Connection:
    """The connection a component should use, by upstream's order: `path`, $KUBECONFIG, in-cluster, ~/.kube/config.

    A `master` is the server's URL in place of that of `path`; without a `path` it is all there is, as upstream has it:
    what was found elsewhere is meant for another server, which this one shall not be shown the credentials of.
    """
    if path:
        found = load_kubeconfig(path, context=context)
        return replace(found, server=master.rstrip("/")) if master else found
    if master:
        return Connection(server=master.rstrip("/"))
    if os.environ.get("KUBECONFIG"):
        return _from_files([Path(p) for p in os.environ["KUBECONFIG"].split(os.pathsep) if p], context)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").exists():
        return in_cluster()
    return load_kubeconfig(Path.home() / ".kube" / "config", context=context)


def load_kubeconfig(path: Path | str, *, context: str = "") -> Connection:
    """The connection that a kubeconfig's context describes; its current one where `context` is empty."""
    return _from_files([Path(path)], context)


def parse_kubeconfig(document: Mapping[str, Any], *, context: str = "", folder: Path = Path()) -> Connection:
    """The same for a kubeconfig already parsed; relative paths start from `folder`."""
    return _Reader(_index(document, folder)).connection(context)


def in_cluster(folder: Path = SERVICE_ACCOUNT) -> Connection:
    """The connection of a pod, from its service account."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise UserError("not inside a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    token = folder / "token"
    if not token.exists():
        raise UserError(f"not inside a cluster: {token} does not exist")
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    ca, namespace = folder / "ca.crt", folder / "namespace"
    return Connection(
        server=f"https://{authority}",
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
        ca=ca.read_bytes() if ca.exists() else b"",
        token_file=token,
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Mapping[str, Any]
    folder: Path


@dataclass(slots=True)
class _Merged:
    current: str = ""
    clusters: dict[str, _Entry] = field(default_factory=dict)
    contexts: dict[str, _Entry] = field(default_factory=dict)
    users: dict[str, _Entry] = field(default_factory=dict)


def _from_files(paths: Sequence[Path], context: str) -> Connection:
    """Merge several files as kubectl does: what comes first wins, missing files are skipped if others are there."""
    merged = _Merged()
    existing = [path.expanduser() for path in paths if path.expanduser().exists()]
    if not existing:
        raise UserError(f"kubeconfig {paths[0] if paths else ''} does not exist")
    for path in existing:
        try:
            document = ryaml.loads(path.read_text()) or {}  # type: ignore[attr-defined]
        except ryaml.InvalidYamlError as error:  # type: ignore[attr-defined]
            raise UserError(f"kubeconfig {path} is not YAML: {error}") from error
        if not isinstance(document, Mapping):
            raise UserError(f"kubeconfig {path} is not a kubeconfig")
        _merge(merged, _index(document, path.parent))
    return _Reader(merged).connection(context)


def _index(document: Mapping[str, Any], folder: Path) -> _Merged:
    def entries(section: str, noun: str) -> dict[str, _Entry]:
        found = document.get(section) or []
        return {str(item.get("name")): _Entry(item.get(noun) or {}, folder) for item in found}

    return _Merged(
        current=str(document.get("current-context") or ""),
        clusters=entries("clusters", "cluster"),
        contexts=entries("contexts", "context"),
        users=entries("users", "user"),
    )


def _merge(merged: _Merged, other: _Merged) -> None:
    merged.current = merged.current or other.current
    merged.clusters = other.clusters | merged.clusters
    merged.contexts = other.contexts | merged.contexts
    merged.users = other.users | merged.users


class _Reader:
    def __init__(self, merged: _Merged) -> None:
        self._merged = merged

    def connection(self, context: str) -> Connection:
        name = context or self._merged.current
        if not name:
            raise UserError("the kubeconfig has no current-context; name one")
        chosen = self._merged.contexts.get(name)
        if chosen is None:
            raise UserError(f'the kubeconfig has no context "{name}"; it has {_listed(self._merged.contexts)}')
        cluster = self._merged.clusters.get(str(chosen.value.get("cluster")))
        if cluster is None or not cluster.value.get("server"):
            raise UserError(f'context "{name}" names a cluster "{chosen.value.get("cluster")}" that is not there')
        user = self._merged.users.get(str(chosen.value.get("user")), _Entry({}, Path()))
        return _connection(cluster, user, str(chosen.value.get("namespace") or "default"))


def _connection(cluster: _Entry, user: _Entry, namespace: str) -> Connection:
    if cluster.value.get("proxy-url"):
        raise UserError("kubeconfig: proxy-url is not supported")
    if provider := user.value.get("auth-provider"):
        raise UserError(f'kubeconfig: auth-provider "{provider.get("name")}" was removed from Kubernetes; use exec')
    token_file = user.value.get("tokenFile")
    return Connection(
        server=str(cluster.value["server"]).rstrip("/"),
        namespace=namespace,
        ca=_data(cluster, "certificate-authority"),
        insecure=bool(cluster.value.get("insecure-skip-tls-verify")),
        tls_server_name=str(cluster.value.get("tls-server-name") or ""),
        certificate=_data(user, "client-certificate"),
        key=_data(user, "client-key"),
        token=str(user.value.get("token") or ""),
        token_file=user.folder / token_file if token_file else None,
        exec=_exec(user),
        username=str(user.value.get("username") or ""),
        password=str(user.value.get("password") or ""),
        impersonate=_impersonation(user.value),
    )


def _data(entry: _Entry, name: str) -> bytes:
    """`NAME-data` in base64, else the content of the file `NAME`; data wins where both are given."""
    if data := entry.value.get(f"{name}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UserError(f"kubeconfig: {name}-data is not base64") from error
    if path := entry.value.get(name):
        try:
            return Path(entry.folder, path).read_bytes()
        except OSError as error:
            raise UserError(f"kubeconfig: {name}: {error}") from error
    return b""


def _exec(user: _Entry) -> ExecPlugin | None:
    value = user.value.get("exec")
    if not value:
        return None
    command = str(value["command"])
    if "/" in command:
        command = str(user.folder / command)
    return ExecPlugin(
        command=command,
        arguments=tuple(str(argument) for argument in value.get("args") or ()),
        environment={str(item["name"]): str(item["value"]) for item in value.get("env") or ()},
        api_version=str(value.get("apiVersion") or "client.authentication.k8s.io/v1"),
        provide_cluster_info=bool(value.get("provideClusterInfo")),
        install_hint=str(value.get("installHint") or ""),
    )


def _impersonation(user: Mapping[str, Any]) -> Impersonation | None:
    if not user.get("as"):
        return None
    extra = {str(key): tuple(values) for key, values in (user.get("as-user-extra") or {}).items()}
    return Impersonation(str(user["as"]), str(user.get("as-uid") or ""), tuple(user.get("as-groups") or ()), extra)


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
