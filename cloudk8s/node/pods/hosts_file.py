"""The /etc/hosts of a pod's containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_HEADER = "# Kubernetes-managed hosts file.\n"
_HOST_HEADER = "# Kubernetes-managed hosts file (host network).\n"
_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)


def pod_hosts(ips: Sequence[str], hostname: str, domain: str, aliases: Sequence[dict[str, Any]]) -> str:
    """For a pod with a network of its own."""
    names = f"{hostname}.{domain}\t{hostname}" if domain else hostname
    return _HEADER + _LOCAL + "".join(f"{ip}\t{names}\n" for ip in ips) + _aliases(aliases)


def host_network_hosts(host_file: str, aliases: Sequence[dict[str, Any]]) -> str:
    """For a pod on the node's network: the host's own file."""
    return _HOST_HEADER + host_file + _aliases(aliases)


def _aliases(aliases: Sequence[dict[str, Any]]) -> str:
    if not aliases:
        return ""
    lines = "".join("\t".join((each["ip"], *(each.get("hostnames") or ()))) + "\n" for each in aliases)
    return f"\n# Entries added by HostAliases.\n{lines}"
