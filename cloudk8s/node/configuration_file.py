"""Upstream's `KubeletConfiguration` as settings of this agent; fields that it has no use for are named in the log.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import quantity, yaml_codec
from cloudk8s.machinery.quantity import QuantityError
from cloudk8s.machinery.times import TimeError, format_duration, parse_duration
from cloudk8s.node.settings import NodeSettings

_log = logging.getLogger(__name__)
_ENFORCEABLE: Final = frozenset({
    "pods", "system-reserved", "system-reserved-compressible", "kube-reserved", "kube-reserved-compressible", "none",
})  # fmt: skip
_VERSION, _KIND = "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"


def _seconds(value: Any) -> float:
    return parse_duration(str(value)).total_seconds()


def _whole_seconds(value: Any) -> int:
    return int(_seconds(value))


def _bytes(value: Any) -> int:
    return quantity.parse(value).value


def _marks(value: Mapping[str, Any]) -> str:
    return ",".join(f"{signal}<{mark}" for signal, mark in value.items())


def _pairs(value: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={each}" for name, each in value.items())


def _same(value: Any) -> Any:
    return value


def _users_per_pod(value: Mapping[str, Any]) -> int:
    count = int(value.get("idsPerPod") or 65_536)
    if count <= 0 or count % 65_536:
        raise ValueError("idsPerPod must be a multiple of 65536")
    return count


def _enforced(value: Sequence[str]) -> tuple[str, ...]:
    if unknown := set(value) - _ENFORCEABLE:
        raise ValueError(f"{', '.join(sorted(unknown))}: valid are {', '.join(sorted(_ENFORCEABLE))}")
    if "none" in value and len(value) > 1:
        raise ValueError("none goes with nothing else")
    if others := set(value) - {"pods", "none"}:
        _log.warning("enforceNodeAllocatable: %s is not heeded", ", ".join(sorted(others)))
    return tuple(name for name in value if name == "pods")


def _phases(value: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(each["priority"]), int(each["shutdownGracePeriodSeconds"])) for each in value)


_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "address": ("address", _same),
    "port": ("port", _same),
    "tlsCertFile": ("tls_cert_file", Path),
    "tlsPrivateKeyFile": ("tls_private_key_file", Path),
    "staticPodPath": ("static_pod_path", Path),
    "clusterDNS": ("cluster_dns", tuple),
    "clusterDomain": ("cluster_domain", _same),
    "resolvConf": ("resolv_conf", Path),
    "maxPods": ("max_pods", _same),
    "podPidsLimit": ("pod_pids_limit", lambda value: max(0, int(value))),
    "podCIDR": ("pod_cidr", _same),
    "providerID": ("provider_id", _same),
    "registerWithTaints": ("register_with_taints", tuple),
    "nodeStatusUpdateFrequency": ("status_update_seconds", _seconds),
    "nodeStatusReportFrequency": ("status_report_seconds", _seconds),
    "nodeLeaseDurationSeconds": ("lease_seconds", _same),
    "syncFrequency": ("sync_seconds", _seconds),
    "containerLogMaxSize": ("container_log_max_bytes", _bytes),
    "containerLogMaxFiles": ("container_log_max_files", _same),
    "imageGCHighThresholdPercent": ("image_gc_high_percent", _same),
    "imageGCLowThresholdPercent": ("image_gc_low_percent", _same),
    "imageMaximumGCAge": ("image_maximum_age_seconds", _seconds),
    "serializeImagePulls": ("serialize_image_pulls", _same),
    "maxParallelImagePulls": ("max_parallel_image_pulls", _same),
    "allowedUnsafeSysctls": ("allowed_unsafe_sysctls", tuple),
    "evictionHard": ("eviction_hard", _marks),
    "evictionSoft": ("eviction_soft", _marks),
    "evictionSoftGracePeriod": ("eviction_soft_grace_period", _pairs),
    "evictionMaxPodGracePeriod": ("eviction_max_pod_grace_seconds", _same),
    "evictionPressureTransitionPeriod": ("eviction_pressure_transition_seconds", _seconds),
    "systemReserved": ("system_reserved", dict),
    "enforceNodeAllocatable": ("enforce_node_allocatable", _enforced),
    "userNamespaces": ("users_per_pod", _users_per_pod),
    "seccompDefault": ("seccomp_default", _same),
    "shutdownGracePeriod": ("shutdown_grace_seconds", _whole_seconds),
    "shutdownGracePeriodCriticalPods": ("shutdown_grace_critical_seconds", _whole_seconds),
    "shutdownGracePeriodByPodPriority": ("shutdown_grace_by_priority", _phases),
}
"""The setting, and how its value is read, by upstream's name."""


def load(path: Path) -> dict[str, Any]:
    """Settings by their names, as the file says them; SettingsError for what can't be. Blocks."""
    document = yaml_codec.read_settings(path)
    if not isinstance(document, dict) or document.get("kind") != _KIND or document.get("apiVersion") != _VERSION:
        raise SettingsError(f"{path}: not a {_KIND} of {_VERSION}")
    return settings_of(document, str(path))


def settings_of(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings that a document names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name not in _FIELDS:
            if name not in ("apiVersion", "kind"):
                _log.warning("%s: %s is not heeded", where, name)
            continue
        setting, read = _FIELDS[name]
        try:
            found[setting] = read(value)
        except (TimeError, QuantityError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise SettingsError(f"{where}: {name}: {error}") from error
    return found


def shown(settings: NodeSettings) -> dict[str, Any]:
    """Settings in the form of such a file, for `/configz`; what is empty is left out."""
    found = {}
    for name, (setting, read) in _FIELDS.items():
        value = getattr(settings, setting)
        if value not in (None, "", (), {}):
            found[name] = _WRITERS.get(read, _same)(value)
    return found


def _duration(value: float) -> str:
    return format_duration(timedelta(seconds=value))


def _size(value: int) -> str:
    return f"{value >> 20}Mi" if value % (1 << 20) == 0 else str(value)


def _parted(text: str, sign: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition(sign) for part in text.split(","))}


_WRITERS: Final[Mapping[Callable[[Any], Any], Callable[[Any], Any]]] = {
    _seconds: _duration,
    _whole_seconds: _duration,
    _bytes: _size,
    _marks: lambda value: _parted(value, "<"),
    _pairs: lambda value: _parted(value, "="),
    _users_per_pod: lambda value: {"idsPerPod": value},
    _phases: lambda value: [{"priority": each[0], "shutdownGracePeriodSeconds": each[1]} for each in value],
    Path: str,
    tuple: list,
    _enforced: list,
}
"""How the values are written that are read by these."""
