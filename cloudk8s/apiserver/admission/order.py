"""The built-in plugins in upstream's order."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from cloudk8s.apiserver.admission.certificate_signers import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from cloudk8s.apiserver.admission.certificates import CertificateRequester
from cloudk8s.apiserver.admission.classes import DefaultIngressClass, DefaultStorageClass, RuntimeClass
from cloudk8s.apiserver.admission.interface import AdmissionPlugin
from cloudk8s.apiserver.admission.limit_ranger import LimitRanger
from cloudk8s.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from cloudk8s.apiserver.admission.node_restriction import NodeRestriction
from cloudk8s.apiserver.admission.pod_plugins import DefaultTolerationSeconds, Priority, TaintNodesByCondition
from cloudk8s.apiserver.admission.pod_security import PodSecurity
from cloudk8s.apiserver.admission.resource_quota import ResourceQuota
from cloudk8s.apiserver.admission.role_escalation import RoleEscalation
from cloudk8s.apiserver.admission.service_account import ServiceAccount
from cloudk8s.apiserver.admission.storage_protection import StorageObjectInUseProtection
from cloudk8s.apiserver.admission.topology_labels import PodTopologyLabels
from cloudk8s.apiserver.admission.volume_resize import PersistentVolumeClaimResize
from cloudk8s.apiserver.allocation.services import ServiceAllocation
from cloudk8s.errors import SettingsError


def built_in(
    *,
    service_ranges: tuple[str, ...] = ("10.96.0.0/16",),
    node_ports: str = "30000-32767",
    extra_certificates: tuple[tuple[str, str], ...] = (),
    others: Sequence[AdmissionPlugin] = (),
) -> list[AdmissionPlugin]:
    """New instances of all of them; `others` come late, before the quota is charged."""
    return [
        NamespaceLifecycle(),
        LimitRanger(),
        ServiceAccount(extra_certificates),
        NodeRestriction(),
        TaintNodesByCondition(),
        PodSecurity(),
        Priority(),
        DefaultTolerationSeconds(),
        DefaultStorageClass(),
        StorageObjectInUseProtection(),
        PersistentVolumeClaimResize(),
        RuntimeClass(),
        CertificateRequester(),
        CertificateApproval(),
        CertificateSigning(),
        CertificateSubjectRestriction(),
        DefaultIngressClass(),
        PodTopologyLabels(),
        ServiceAllocation(service_ranges, node_ports),
        RoleEscalation(),
        *others,
        ResourceQuota(),
    ]


def selected(
    plugins: Sequence[AdmissionPlugin], *, enabled: Collection[str] = (), disabled: Collection[str] = ()
) -> list[AdmissionPlugin]:
    """Those that `--enable-admission-plugins` and `--disable-admission-plugins` leave; raises SettingsError."""
    names = [plugin.name for plugin in plugins if plugin.name]
    for name in (*enabled, *disabled):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(names)}"
            raise SettingsError(f"there is no admission plugin {name!r}{hint}")
        if name in enabled and name in disabled:
            raise SettingsError(f"admission plugin {name!r} is both enabled and disabled")
    return [plugin for plugin in plugins if plugin.name not in disabled or not plugin.name]
