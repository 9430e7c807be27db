"""Kubeconfig files: write one, or merge a cluster into the one that the user has.

What others put into the file stays as it is, unknown fields too; only comments are lost, as with kubectl.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ryaml

from cloudk8s.apiserver.pki import private_file
from cloudk8s.errors import SettingsError, UserError

Config = dict[str, Any]

_LOCK_ATTEMPTS = 40
_LOCK_PAUSE = 0.05
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9@./_+=:-]*[A-Za-z0-9/=]|[A-Za-z]")
_UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1, which kubectl reads, takes for something else than text."""


@dataclass(frozen=True, slots=True)
class Access:
    """How one user reaches one cluster; certificate, key or token may be empty."""

    name: str
    server: str
    certificate_authority: bytes
    client_certificate: bytes = b""
    client_key: bytes = b""
    token: str = ""

    def as_config(self) -> Config:
        """A kubeconfig with nothing else in it."""
        cluster = {"certificate-authority-data": _base64(self.certificate_authority), "server": self.server}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": self.name, "user": self._user()}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
            "current-context": self.name,
        }

    def _user(self) -> Config:
        if self.token:
            return {"token": self.token}
        return {
            "client-certificate-data": _base64(self.client_certificate),
            "client-key-data": _base64(self.client_key),
        }


def context_name(cluster: str) -> str:
    """The context, cluster and user name that a cluster of ours has in kubeconfig files."""
    return f"cloudk8s-{cluster}"


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that kubectl would write to: the first of $KUBECONFIG, else ~/.kube/config."""
    first = next((part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part), "")
    return Path(first) if first else Path(environment.get("HOME") or Path.home()) / ".kube" / "config"


def read_access(path: Path) -> Access:
    """The access that `write` put into a file."""
    config = load(path)
    cluster, user = config["clusters"][0], config["users"][0]["user"]
    return Access(
        cluster["name"],
        cluster["cluster"]["server"],
        base64.b64decode(cluster["cluster"]["certificate-authority-data"]),
        base64.b64decode(user.get("client-certificate-data", "")),
        base64.b64decode(user.get("client-key-data", "")),
        user.get("token", ""),
    )


def write(path: Path, access: Access) -> None:
    """Replace `path` with a kubeconfig for `access` alone."""
    private_file.write(path, dump(access.as_config()).encode())


def merge(path: Path, access: Access) -> None:
    """Add or renew the entries of `access` and make its context the current one."""
    with _locked(path):
        config = load(path)
        for section, entries in access.as_config().items():
            if isinstance(entries, list):
                config[section] = [*_without(config.get(section), {access.name}), *entries]
        header = {"apiVersion": "v1", "kind": "Config"}
        private_file.write(path, dump(header | config | {"current-context": access.name}).encode())


def remove(path: Path, name: str) -> None:
    """Take the entries called `name` out; absent is success."""
    if not path.exists():
        return
    with _locked(path):
        config = load(path)
        kept = {section: _without(config.get(section), {name}) for section in ("clusters", "users", "contexts")}
        current = config.get("current-context", "")
        left = config | kept | {"current-context": "" if current == name else current}
        if left != config:
            private_file.write(path, dump(left).encode())


def load(path: Path) -> Config:
    """The file's content; a missing or empty file is an empty config. Raises SettingsError for anything else."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    try:
        config = ryaml.loads(text) if text.strip() else {}  # type: ignore[attr-defined]
    except ValueError as error:
        raise SettingsError(f"{path} is not YAML, fix or move it: {error}") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise SettingsError(f"{path} is not a kubeconfig, fix or move it: it holds a {type(config).__name__}")
    return config


def dump(value: Any) -> str:
    """Block YAML in which every reader, of version 1.1 or 1.2, sees the same text."""
    return "\n".join(_lines(value, "")) + "\n"


def _without(entries: Any, names: set[str]) -> list[Any]:
    return [each for each in entries or [] if not (isinstance(each, dict) and each.get("name") in names)]


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", item, indent + "  ")
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _lines(item, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
    else:
        yield indent + _scalar(value)


def _entry(start: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict) and item:
        yield start
        yield from _lines(item, indent)
    elif isinstance(item, list) and item:
        yield start
        yield from _lines(item, indent[:-2])
    else:
        yield f"{start} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file that kubectl uses too."""
    lock = Path(f"{os.path.realpath(path)}.lock")
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(_LOCK_ATTEMPTS):
        try:
            lock.touch(mode=0o600, exist_ok=False)
            break
        except FileExistsError:
            time.sleep(_LOCK_PAUSE)
    else:
        raise UserError(f"{path} is locked; if nothing is writing it, delete {lock}")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
