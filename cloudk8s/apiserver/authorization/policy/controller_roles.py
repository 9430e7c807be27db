"""The ClusterRoles of controllers: `system:controller:NAME`, each bound to its service account in `kube-system`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cloudk8s.apiserver.authorization.policy.shorthand import (
    CORE,
    EVENTS,
    GROUP,
    READ,
    Object,
    Rule,
    cluster_binding,
    cluster_role,
    rule,
    service_account,
)

PREFIX: Final = "system:controller:"
_APPS: Final = ("apps", "extensions")
_CERTIFICATES, _DISCOVERY, _NETWORKING = "certificates.k8s.io", "discovery.k8s.io", "networking.k8s.io"
_RESOURCE, _STORAGE = "resource.k8s.io", "storage.k8s.io"
_SIGN = "legacy-unknown kube-apiserver-client kube-apiserver-client-kubelet kubelet-serving"
_FULL = "get list watch create update delete"


def controller_roles() -> list[Object]:
    """One for each controller, in upstream's order."""
    return [cluster_role(PREFIX + name, *rules) for name, rules in _rules().items()]


def controller_bindings() -> list[Object]:
    """Each controller's service account bound to its role."""
    return [cluster_binding(PREFIX + name, service_account("kube-system", name)) for name in _rules()]


def _rules() -> Mapping[str, Sequence[Rule]]:
    return _volume_and_workload() | _endpoints() | _volumes_and_claims() | _cluster_wide() | _replicas() | _protection()


def _volume_and_workload() -> dict[str, Sequence[Rule]]:
    return {
        "attachdetach-controller": [
            rule("list watch", CORE, "persistentvolumes persistentvolumeclaims"),
            rule(READ, CORE, "nodes"),
            rule("patch update", CORE, "nodes/status"),
            rule("list watch", CORE, "pods"),
            EVENTS,
            rule("get create delete list watch", _STORAGE, "volumeattachments"),
            rule(READ, _STORAGE, "csidrivers"),
            rule(READ, _STORAGE, "csinodes"),
        ],
        "clusterrole-aggregation-controller": [rule("escalate get list watch update patch", GROUP, "clusterroles")],
        "cronjob-controller": [
            rule("get list watch update", "batch", "cronjobs"),
            rule("get list watch create update delete patch", "batch", "jobs"),
            rule("update", "batch", "cronjobs/status"),
            rule("update", "batch", "cronjobs/finalizers"),
            rule("list watch delete", CORE, "pods"),
            EVENTS,
        ],
        "daemon-set-controller": [
            rule(READ, _APPS, "daemonsets"),
            rule("update", _APPS, "daemonsets/status"),
            rule("update", _APPS, "daemonsets/finalizers"),
            rule("list watch", CORE, "nodes"),
            rule("list watch create delete patch", CORE, "pods"),
            rule("create", CORE, "pods/binding"),
            rule("get list watch create delete update patch", "apps", "controllerrevisions"),
            EVENTS,
        ],
        "deployment-controller": [
            rule("get list watch update", _APPS, "deployments"),
            rule("update", _APPS, "deployments/status"),
            rule("update", _APPS, "deployments/finalizers"),
            rule("get list watch create update patch delete", _APPS, "replicasets"),
            rule("get list watch update", CORE, "pods"),
            EVENTS,
        ],
        "disruption-controller": [
            rule(READ, _APPS, "deployments"),
            rule(READ, _APPS, "replicasets"),
            rule(READ, CORE, "replicationcontrollers"),
            rule(READ, "policy", "poddisruptionbudgets"),
            rule(READ, "apps", "statefulsets"),
            rule("update", "policy", "poddisruptionbudgets/status"),
            rule("patch update", CORE, "pods/status"),
            rule("get", "*", "*/scale"),
            EVENTS,
        ],
    }


def _endpoints() -> dict[str, Sequence[Rule]]:
    return {
        "endpoint-controller": [
            rule(READ, CORE, "services pods"),
            rule(_FULL, CORE, "endpoints"),
            rule("create", CORE, "endpoints/restricted"),
            EVENTS,
        ],
        "endpointslice-controller": [
            rule(READ, CORE, "services pods nodes"),
            rule("update", CORE, "services/finalizers"),
            rule(_FULL, _DISCOVERY, "endpointslices"),
            EVENTS,
        ],
        "endpointslicemirroring-controller": [
            rule(READ, CORE, "services endpoints"),
            rule("update", CORE, "services/finalizers"),
            rule("update", CORE, "endpoints/finalizers"),
            rule(_FULL, _DISCOVERY, "endpointslices"),
            EVENTS,
        ],
    }


def _volumes_and_claims() -> dict[str, Sequence[Rule]]:
    return {
        "expand-controller": [
            rule("get list watch update patch", CORE, "persistentvolumes"),
            rule("update patch", CORE, "persistentvolumeclaims/status"),
            rule(READ, CORE, "persistentvolumeclaims"),
            EVENTS,
        ],
        "ephemeral-volume-controller": [
            rule(READ, CORE, "pods"),
            rule("update", CORE, "pods/finalizers"),
            rule("get list watch create", CORE, "persistentvolumeclaims"),
            EVENTS,
        ],
        "resource-claim-controller": [
            rule(READ, CORE, "pods"),
            rule("update", CORE, "pods/finalizers"),
            rule("get list watch create delete", _RESOURCE, "resourceclaims"),
            rule("update patch", _RESOURCE, "resourceclaims resourceclaims/status"),
            rule("update patch", CORE, "pods/status"),
            EVENTS,
            rule("update patch", _RESOURCE, "resourceclaims/binding"),
        ],
        "device-taint-eviction-controller": [
            rule("get list watch delete", CORE, "pods"),
            rule("update patch", CORE, "pods/status"),
            rule(READ, _RESOURCE, "resourceclaims"),
            rule(READ, _RESOURCE, "resourceslices"),
            rule(READ, _RESOURCE, "deviceclasses"),
            EVENTS,
        ],
    }


def _cluster_wide() -> dict[str, Sequence[Rule]]:
    return {
        "generic-garbage-collector": [rule("get list watch patch update delete", "*", "*"), EVENTS],
        "horizontal-pod-autoscaler": [
            rule(READ, "autoscaling", "horizontalpodautoscalers"),
            rule("update", "autoscaling", "horizontalpodautoscalers/status"),
            rule("get update", "*", "*/scale"),
            rule("list watch", CORE, "pods"),
            rule("list watch", "metrics.k8s.io", "pods"),
            rule(READ, "custom.metrics.k8s.io", "*"),
            rule(READ, "external.metrics.k8s.io", "*"),
            EVENTS,
        ],
        "job-controller": [
            rule("get list watch update patch", "batch", "jobs"),
            rule("update", "batch", "jobs/status"),
            rule("update", "batch", "jobs/finalizers"),
            rule("list watch create delete patch", CORE, "pods"),
            EVENTS,
        ],
        "namespace-controller": [
            rule("get list watch delete", CORE, "namespaces"),
            rule("update", CORE, "namespaces/finalize namespaces/status"),
            rule("get list watch delete deletecollection", "*", "*"),
        ],
        "node-controller": [
            rule("get list watch update delete patch", CORE, "nodes"),
            rule("patch update", CORE, "nodes/status"),
            rule("patch update", CORE, "pods/status"),
            rule("list watch get delete", CORE, "pods"),
            rule(READ, "coordination.k8s.io", "leases"),
            EVENTS,
        ],
        "persistent-volume-binder": [
            rule(_FULL, CORE, "persistentvolumes"),
            rule("update", CORE, "persistentvolumes/status"),
            rule("get list watch update", CORE, "persistentvolumeclaims"),
            rule("update", CORE, "persistentvolumeclaims/status"),
            rule("list watch get create delete", CORE, "pods"),
            rule(READ, _STORAGE, "storageclasses"),
            rule("list watch", CORE, "nodes"),
            EVENTS,
            rule("watch", CORE, "events"),
        ],
        "pod-garbage-collector": [
            rule("list watch delete", CORE, "pods"),
            rule(READ, CORE, "nodes"),
            rule("patch", CORE, "pods/status"),
        ],
    }


def _replicas() -> dict[str, Sequence[Rule]]:
    pods = rule("list watch patch create delete", CORE, "pods")
    return {
        "replicaset-controller": [
            rule("get list watch update", _APPS, "replicasets"),
            rule("update", _APPS, "replicasets/status"),
            rule("update", _APPS, "replicasets/finalizers"),
            pods,
            EVENTS,
        ],
        "replication-controller": [
            rule("get list watch update", CORE, "replicationcontrollers"),
            rule("update", CORE, "replicationcontrollers/status"),
            rule("update", CORE, "replicationcontrollers/finalizers"),
            pods,
            EVENTS,
        ],
        "resourcequota-controller": [
            rule("list watch", "*", "*"),
            rule("update", CORE, "resourcequotas/status"),
            EVENTS,
        ],
        "route-controller": [rule("list watch", CORE, "nodes"), rule("patch", CORE, "nodes/status"), EVENTS],
        "service-account-controller": [rule("create", CORE, "serviceaccounts"), EVENTS],
        "service-controller": [
            rule(READ, CORE, "services"),
            rule("patch update", CORE, "services/status"),
            rule("list watch", CORE, "nodes"),
            EVENTS,
        ],
        "service-cidrs-controller": [
            rule("get list watch patch update", _NETWORKING, "servicecidrs"),
            rule("patch update", _NETWORKING, "servicecidrs/finalizers"),
            rule("patch update", _NETWORKING, "servicecidrs/status"),
            rule(READ, _NETWORKING, "ipaddresses"),
            EVENTS,
        ],
        "statefulset-controller": [
            rule("list watch", CORE, "pods"),
            rule(READ, "apps", "statefulsets"),
            rule("update", "apps", "statefulsets/status"),
            rule("update", "apps", "statefulsets/finalizers"),
            rule("get create delete update patch", CORE, "pods"),
            rule("get create delete update patch list watch", "apps", "controllerrevisions"),
            rule("get create list watch", CORE, "persistentvolumeclaims"),
            rule("update delete", CORE, "persistentvolumeclaims"),
            rule("update", CORE, "pods/finalizers"),
            EVENTS,
        ],
        "ttl-controller": [rule("update patch list watch", CORE, "nodes"), EVENTS],
    }


def _protection() -> dict[str, Sequence[Rule]]:
    csr, signers = "certificatesigningrequests", " ".join(f"kubernetes.io/{name}" for name in _SIGN.split())
    policies = "validatingadmissionpolicies"
    return {
        "certificate-controller": [
            rule("get list watch delete", _CERTIFICATES, csr),
            rule("update", _CERTIFICATES, f"{csr}/status {csr}/approval"),
            rule("approve", _CERTIFICATES, "signers", names="kubernetes.io/kube-apiserver-client-kubelet"),
            rule("sign", _CERTIFICATES, "signers", names=signers),
            rule("create", "authorization.k8s.io", "subjectaccessreviews"),
            EVENTS,
        ],
        "pvc-protection-controller": [
            rule("get list watch update", CORE, "persistentvolumeclaims"),
            rule(READ, CORE, "pods"),
            EVENTS,
        ],
        "pv-protection-controller": [rule("get list watch update", CORE, "persistentvolumes"), EVENTS],
        "volumeattributesclass-protection-controller": [
            rule(READ, CORE, "persistentvolumeclaims"),
            rule(READ, CORE, "persistentvolumes"),
            rule("get list watch update", _STORAGE, "volumeattributesclasses"),
            EVENTS,
        ],
        "ttl-after-finished-controller": [rule("get list watch delete", "batch", "jobs"), EVENTS],
        "root-ca-cert-publisher": [rule("create update", CORE, "configmaps"), EVENTS],
        "validatingadmissionpolicy-status-controller": [
            rule(READ, "admissionregistration.k8s.io", policies),
            rule("get patch update", "admissionregistration.k8s.io", f"{policies}/status"),
            EVENTS,
        ],
        "legacy-service-account-token-cleaner": [
            rule("get", CORE, "configmaps", names="kube-apiserver-legacy-service-account-token-tracking"),
            rule("patch delete", CORE, "secrets"),
        ],
        "selinux-warning-controller": [
            EVENTS,
            rule(READ, CORE, "persistentvolumes"),
            rule(READ, CORE, "persistentvolumeclaims"),
            rule(READ, CORE, "pods"),
            rule(READ, _STORAGE, "csidrivers"),
        ],
    }
