"""Where the kubelet of a node listens, and as whom the server speaks to it."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.pki import KeyPair
from cloudk8s.apiserver.relay.backend import Target
from cloudk8s.errors import NotFound, ServiceUnavailable

_ORDER: Final = ("InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS", "Hostname")
"""Addresses come before names, which would need a resolver that knows the nodes."""


class Kubelets:
    """Finds kubelets by their nodes' status."""

    def __init__(self, core: Core, identity: KeyPair) -> None:
        self._core = core
        self._identity = identity

    def of(self, node_name: str) -> Target:
        """Where the kubelet listens; NotFound without the node, ServiceUnavailable without an address."""
        node = self._core.find("", "nodes", node_name)
        if node is None:
            raise NotFound(f'nodes "{node_name}" not found', details={"name": node_name, "kind": "nodes"})
        status = node.get("status") or {}
        endpoint = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
        if endpoint.get("Port") == 0:
            raise ServiceUnavailable(f'node "{node_name}" has no kubelet: it only pretends to run pods')
        return Target(_address(node), endpoint.get("Port") or 10250, self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The server's client certificate. Kubelets sign their own serving certificates, which upstream accepts too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(self._identity.certificate, self._identity.key)
        return context


def _address(node: Object) -> str:
    addresses = (node.get("status") or {}).get("addresses") or []
    for kind in _ORDER:
        for item in addresses:
            if item["type"] == kind:
                return str(item["address"])
    raise ServiceUnavailable(f'node "{node["metadata"]["name"]}" has reported no address')
