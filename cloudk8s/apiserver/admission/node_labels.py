"""Which labels a kubelet may give its own node."""

from __future__ import annotations

from collections.abc import Mapping

_KUBELETS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    }
)
_KUBELETS_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_RESTRICTED = "node-restriction.kubernetes.io"


def forbidden_labels(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    """Keys that were added, changed or removed and that are not the kubelet's to set, sorted."""
    changed = [key for key in {*new, *old} if new.get(key) != old.get(key)]
    return sorted(key for key in changed if not _is_free(key))


def _is_free(key: str) -> bool:
    namespace = key.partition("/")[0] if "/" in key else ""
    if _is_within(namespace, _RESTRICTED):
        return False
    if not (_is_within(namespace, "kubernetes.io") or _is_within(namespace, "k8s.io")):
        return True
    return key in _KUBELETS or any(_is_within(namespace, each) for each in _KUBELETS_PREFIXES)


def _is_within(namespace: str, domain: str) -> bool:
    return namespace == domain or namespace.endswith(f".{domain}")
