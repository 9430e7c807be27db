"""How a worker learns whom to trust: cluster-info, read from anybody, believed by its signature and the pinned key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.controllers.bootstrap_signer import IN_NAMESPACE, KUBECONFIG, NAME, PREFIX, detached_signature
from cloudk8s.controllers.bootstrap_tokens import BootstrapToken
from cloudk8s.controlplane.machine.settings import JoinConfiguration
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.machinery.clock import Clock

CONFIGURATION = "config.json"


class Distrusted(CloudK8sError):
    """What answered is not, or not yet, the cluster that user data names."""


def configuration_name(group: str) -> str:
    """The ConfigMap that tells machines of a group what they need to know."""
    return f"cloudk8s-join-{group}"


async def discover(endpoint: str, token: str, pin: str, *, clock: Clock) -> Connection:
    """A connection that trusts the cluster's authority and shows the token. Raises Distrusted."""
    server = f"https://{endpoint}"
    client = NetworkClient(Connection(server, insecure=True), clock=clock)
    try:
        info = await client.get(CONFIG_MAPS, NAME, namespace=IN_NAMESPACE)
    finally:
        await client.close()
    content = trusted(info.get("data") or {}, BootstrapToken(*token.split(".")))
    authority = base64.b64decode(yaml_codec.decode(content)["clusters"][0]["cluster"]["certificate-authority-data"])
    check_pin(authority, pin)
    return Connection(server, ca=authority, token=token)


def trusted(data: Mapping[str, str], token: BootstrapToken) -> str:
    """The kubeconfig in cluster-info, if it is signed with the token."""
    content, signature = data.get(KUBECONFIG, ""), data.get(f"{PREFIX}{token.id}", "")
    if not content or not signature:
        raise Distrusted("cluster-info is not signed with this machine's token (yet)")
    if not hmac.compare_digest(signature, detached_signature(content, token)):
        raise Distrusted("cluster-info is signed with another token: this is not the cluster that made this machine")
    return content


def check_pin(authority: bytes, pin: str) -> None:
    """Raise Distrusted unless the certificate's public key is the pinned one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    public = x509.load_pem_x509_certificate(authority).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not hmac.compare_digest(f"sha256:{hashlib.sha256(encoded).hexdigest()}", pin):
        raise Distrusted(f"the cluster's authority is not the pinned one ({pin})")


async def ask_configuration(client: Client, group: str) -> JoinConfiguration:
    """What the API tells a machine of this group."""
    found = await client.get(CONFIG_MAPS, configuration_name(group), namespace=IN_NAMESPACE)
    return JoinConfiguration.model_validate(codec.decode(found["data"][CONFIGURATION].encode()))


def cluster_info(server: str, authority: bytes) -> dict[str, Any]:
    """The ConfigMap that machines discover the cluster by."""
    cluster = {"certificate-authority-data": base64.b64encode(authority).decode(), "server": server}
    document = {
        "apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": cluster}], "contexts": [],
        "users": [], "current-context": "", "preferences": {},
    }  # fmt: skip
    metadata = {"name": NAME, "namespace": IN_NAMESPACE}
    data = {KUBECONFIG: yaml_codec.encode(document).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
