"""How nodes get into a cluster: by a bootstrap token that buys them a certificate."""

from __future__ import annotations

from pathlib import Path

from cloudk8s.apiserver.kubeconfig import Access, write
from tests.interop.servers import Server

TOKEN_ID, TOKEN_SECRET = "abcdef", "0123456789abcdef"
GROUP = "system:bootstrappers:nodes"
_SIGNER = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"


def bootstrap_kubeconfig(server: Server, path: Path) -> Path:
    """Let whoever has the token ask for a node's certificate, as kubeadm does; a kubeconfig with it."""
    token = {
        "token-id": TOKEN_ID, "token-secret": TOKEN_SECRET, "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true", "auth-extra-groups": GROUP,
    }  # fmt: skip
    metadata = {"name": f"bootstrap-token-{TOKEN_ID}"}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token", "stringData": token}
    server.kubectl.apply({**secret, "metadata": metadata}, namespace="kube-system")
    for name, role in (("ask", "system:node-bootstrapper"), ("get", _SIGNER)):
        server.kubectl("create", "clusterrolebinding", f"nodes-{name}", f"--clusterrole={role}", f"--group={GROUP}")
    authority = server.pki.ca.certificate.read_bytes()
    write(path, Access("joining", server.url, authority, token=f"{TOKEN_ID}.{TOKEN_SECRET}"))
    return path
