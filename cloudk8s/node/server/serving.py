"""Run the serving side: TLS, the port, the certificate that names the node."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloudk8s.apiserver.http import tls
from cloudk8s.machinery import codec
from cloudk8s.node.settings import NodeSettings

_LIFETIME = timedelta(days=365)
_MAKER = "cloudk8s.node.server.self_signed_certificate"


def context(settings: NodeSettings, ips: Sequence[str]) -> ssl.SSLContext:
    """The listener's TLS context, with the certificate of the settings or one of the node's own. Blocks."""
    certificate, key = settings.tls_cert_file, settings.tls_private_key_file
    if certificate is None or key is None:
        certificate, key = self_signed(settings.root_dir / "pki", settings.node_name, ips)
    return tls.server_context(certificate, key, client_ca=settings.client_ca_file)


def self_signed(directory: Path, node_name: str, ips: Sequence[str]) -> tuple[Path, Path]:
    """A certificate of the node's own, kept until it nears its end; upstream's kubelet makes such a one too. Blocks."""
    certificate, key, facts = directory / "kubelet.crt", directory / "kubelet.key", directory / "kubelet.json"
    if not (certificate.exists() and key.exists() and _is_usable(facts, ips)):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        ends = datetime.now(UTC) + _LIFETIME
        made, private = _made(node_name, ips, ends)
        key.touch(mode=0o600)
        key.write_bytes(private)
        certificate.write_bytes(made)
        facts.write_bytes(codec.encode({"ips": list(ips), "ends": ends.isoformat()}))
    return certificate, key


def _made(node_name: str, ips: Sequence[str], ends: datetime) -> tuple[bytes, bytes]:
    """Certificate and key, made by a process of its own: the library for it would stay with the agent, all 13 MB."""
    command = [sys.executable, "-m", _MAKER, node_name, ends.isoformat(), *ips]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    made = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    certificate, mark, key = made.partition(b"-----BEGIN PRIVATE KEY-----")
    return certificate, mark + key


def _is_usable(facts: Path, ips: Sequence[str]) -> bool:
    """Whether the certificate that these facts tell of names the addresses and has a good part of its life left."""
    if not facts.exists():
        return False
    known = codec.decode(facts.read_bytes())
    return set(ips) <= set(known["ips"]) and datetime.fromisoformat(known["ends"]) - datetime.now(UTC) > _LIFETIME / 5
