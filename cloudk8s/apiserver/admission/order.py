"""The built-in plugins in upstream's order."""

from __future__ import annotations

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
from cloudk8s.apiserver.allocation.services import ServiceAllocation


def built_in(
    *,
    service_ranges: tuple[str, ...] = ("10.96.0.0/16",),
    node_ports: str = "30000-32767",
    extra_certificates: tuple[tuple[str, str], ...] = (),
) -> list[AdmissionPlugin]:
    """New instances of all of them."""
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
        RuntimeClass(),
        CertificateRequester(),
        CertificateApproval(),
        CertificateSigning(),
        CertificateSubjectRestriction(),
        DefaultIngressClass(),
        ServiceAllocation(service_ranges, node_ports),
        RoleEscalation(),
        ResourceQuota(),
    ]
