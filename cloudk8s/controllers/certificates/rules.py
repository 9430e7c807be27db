"""What each of the cluster's signers takes; the answer is why not, in upstream's words, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.controllers.certificates.requests import Content, signer_of, usages_of

CLIENT: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT: Final = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING: Final = "kubernetes.io/kubelet-serving"
LEGACY: Final = "kubernetes.io/legacy-unknown"

_NODES: Final = ("system:nodes",)
_BASE: Final = frozenset({"digital signature", "key encipherment"})


def refusal(request: Object, content: Content) -> str:
    """Why the request's signer does not take it; empty if it does."""
    usages = usages_of(request)
    match signer_of(request):
        case "kubernetes.io/kube-apiserver-client":
            return _client(usages)
        case "kubernetes.io/kube-apiserver-client-kubelet":
            return kubelet_client(content, usages)
        case "kubernetes.io/kubelet-serving":
            return _kubelet_serving(content, usages)
    return ""


def kubelet_client(content: Content, usages: frozenset[str]) -> str:
    """Why this is no request for a kubelet's client certificate."""
    if content.organizations != _NODES:
        return "subject organization is not system:nodes"
    for values, name in (
        (content.dns_names, "DNS"), (content.emails, "Email"), (content.addresses, "IP"), (content.uris, "URI"),
    ):  # fmt: skip
        if values:
            return f"{name} subjectAltNames are not allowed"
    if not content.common_name.startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    if usages not in (_BASE | {"client auth"}, frozenset({"digital signature", "client auth"})):
        return "usages did not match [client auth digital signature key encipherment]"
    return ""


def is_of_the_node_itself(request: Object, content: Content) -> bool:
    """Whether a node asks in its own name."""
    return str(spec_of(request).get("username")) == content.common_name


def _kubelet_serving(content: Content, usages: frozenset[str]) -> str:
    if content.organizations != _NODES:
        return "subject organization is not system:nodes"
    if not content.dns_names and not content.addresses:
        return "DNS or IP subjectAltName is required"
    for values, name in ((content.emails, "Email"), (content.uris, "URI")):
        if values:
            return f"{name} subjectAltNames are not allowed"
    if usages not in (_BASE | {"server auth"}, frozenset({"digital signature", "server auth"})):
        return "usages did not match [digital signature key encipherment server auth]"
    if not content.common_name.startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    return ""


def _client(usages: frozenset[str]) -> str:
    for usage in sorted(usages - _BASE - {"client auth"}):
        return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


SIGNERS: Final[Mapping[str, str]] = dict.fromkeys((CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY), "cluster")
"""The signers that sign with the cluster's authority."""
