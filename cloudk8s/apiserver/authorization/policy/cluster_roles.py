"""The ClusterRoles of users, nodes and components."""

from __future__ import annotations

from typing import Final

from cloudk8s.apiserver.authorization.policy.shorthand import (
    CORE,
    EVENTS,
    GROUP,
    READ,
    READ_UPDATE,
    READ_WRITE,
    WRITE,
    Object,
    Rule,
    cluster_role,
    rule,
    urls,
)

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
_CERTIFICATES, _COORDINATION, _DISCOVERY = "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io"
_NETWORKING, _RESOURCE, _STORAGE = "networking.k8s.io", "resource.k8s.io", "storage.k8s.io"
_HEALTH = "/livez /readyz /healthz"
_SCALED = "deployments deployments/scale replicasets replicasets/scale"
_CORE_WORKLOADS = "persistentvolumeclaims replicationcontrollers replicationcontrollers/scale serviceaccounts services"
_SIGNERS = {
    "legacy-unknown": "kubernetes.io/legacy-unknown",
    "kubelet-serving": "kubernetes.io/kubelet-serving",
    "kube-apiserver-client": "kubernetes.io/kube-apiserver-client",
    "kube-apiserver-client-kubelet": "kubernetes.io/kube-apiserver-client-kubelet",
}

NODE_RULES: Final[tuple[Rule, ...]] = (
    rule("create", _AUTHENTICATION, "tokenreviews"),
    rule("create", _AUTHORIZATION, "subjectaccessreviews localsubjectaccessreviews"),
    rule(READ, CORE, "services"),
    rule("create get list watch", CORE, "nodes"),
    rule("update patch", CORE, "nodes/status"),
    rule("update patch", CORE, "nodes"),
    EVENTS,
    rule(READ, CORE, "pods"),
    rule("create delete", CORE, "pods"),
    rule("update patch", CORE, "pods/status"),
    rule("create", CORE, "pods/eviction"),
    rule(READ, CORE, "secrets configmaps"),
    rule("get", CORE, "persistentvolumeclaims persistentvolumes"),
    rule("get", CORE, "endpoints"),
    rule("create get list watch", _CERTIFICATES, "certificatesigningrequests"),
    rule("get create update patch delete", _COORDINATION, "leases"),
    rule("get", _STORAGE, "volumeattachments"),
    rule("create", CORE, "serviceaccounts/token"),
    rule("get update patch", CORE, "persistentvolumeclaims/status"),
    rule(READ, _STORAGE, "csidrivers"),
    rule("get create update patch delete", _STORAGE, "csinodes"),
    rule(READ, "node.k8s.io", "runtimeclasses"),
    rule("get", _RESOURCE, "resourceclaims"),
    rule("deletecollection", _RESOURCE, "resourceslices"),
    rule("get", CORE, "serviceaccounts"),
)
"""What every node may do; the Node authorizer narrows it to what concerns the node."""


def cluster_roles() -> list[Object]:
    """All of them, in upstream's order."""
    return [*_general(), *_user_facing(), *_nodes(), *_delegation(), *_components(), *_signing(), *_scheduling()]


def _general() -> list[Object]:
    discovery = f"{_HEALTH} /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*"
    monitoring = f"{_HEALTH} /livez/* /readyz/* /healthz/* /metrics /metrics/slis /flagz /statusz"
    return [
        cluster_role("cluster-admin", rule("*", "*", "*"), urls("*", "*")),
        cluster_role("system:discovery", urls("get", discovery)),
        cluster_role("system:monitoring", urls("get", monitoring), rule("get", CORE, "nodes/metrics")),
        cluster_role(
            "system:basic-user",
            rule("create", _AUTHORIZATION, "selfsubjectaccessreviews selfsubjectrulesreviews"),
            rule("create", _AUTHENTICATION, "selfsubjectreviews"),
        ),
        cluster_role("system:public-info-viewer", urls("get", f"{_HEALTH} /version /version/")),
    ]


def _user_facing() -> list[Object]:
    return [
        cluster_role("admin", aggregates="admin"),
        cluster_role("edit", aggregates="edit", aggregates_to="admin"),
        cluster_role("view", aggregates="view", aggregates_to="edit"),
        cluster_role(
            "system:aggregate-to-admin",
            rule("create", _AUTHORIZATION, "localsubjectaccessreviews"),
            rule(READ_WRITE, GROUP, "roles rolebindings"),
            aggregates_to="admin",
        ),
        cluster_role("system:aggregate-to-edit", *_edit_rules(), aggregates_to="edit"),
        cluster_role("system:aggregate-to-view", *_view_rules(), aggregates_to="view"),
    ]


def _edit_rules() -> list[Rule]:
    inside = "pods/attach pods/proxy pods/exec pods/portforward"
    return [
        rule(READ, CORE, f"{inside} secrets services/proxy"),
        rule("impersonate", CORE, "serviceaccounts"),
        rule(WRITE, CORE, f"pods {inside}"),
        rule("create", CORE, "pods/eviction"),
        rule(WRITE, CORE, f"{_CORE_WORKLOADS} services/proxy configmaps secrets"),
        rule("create", CORE, "serviceaccounts/token"),
        rule(WRITE, ("", "events.k8s.io"), "events"),
        rule(WRITE, "apps", f"statefulsets statefulsets/scale daemonsets deployments/rollback {_SCALED}"),
        rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
        rule(WRITE, "batch", "jobs cronjobs"),
        rule(
            WRITE,
            "extensions",
            f"daemonsets deployments/rollback ingresses networkpolicies replicationcontrollers/scale {_SCALED}",
        ),
        rule(WRITE, "policy", "poddisruptionbudgets"),
        rule(WRITE, _NETWORKING, "networkpolicies ingresses"),
        rule(READ_WRITE, _COORDINATION, "leases"),
        rule(WRITE, _RESOURCE, "resourceclaims resourceclaimtemplates"),
    ]


def _view_rules() -> list[Rule]:
    limits = "limitranges resourcequotas resourcequotas/status bindings namespaces/status"
    daemons = "daemonsets daemonsets/status deployments/status replicasets/status"
    return [
        rule(READ, CORE, f"pods endpoints configmaps services/status persistentvolumeclaims/status {_CORE_WORKLOADS}"),
        rule(READ, CORE, f"{limits} pods/status pods/log replicationcontrollers/status"),
        rule(READ, CORE, "namespaces"),
        rule(READ, ("", "events.k8s.io"), "events"),
        rule(READ, _DISCOVERY, "endpointslices"),
        rule(
            READ,
            "apps",
            f"controllerrevisions statefulsets statefulsets/status statefulsets/scale {daemons} {_SCALED}",
        ),
        rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
        rule(READ, "batch", "jobs jobs/status cronjobs cronjobs/status"),
        rule(
            READ,
            "extensions",
            f"ingresses ingresses/status networkpolicies replicationcontrollers/scale {daemons} {_SCALED}",
        ),
        rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
        rule(READ, _NETWORKING, "networkpolicies ingresses ingresses/status"),
        rule(READ, _RESOURCE, "resourceclaims resourceclaims/status resourceclaimtemplates"),
    ]


def _nodes() -> list[Object]:
    csr = "certificatesigningrequests"
    return [
        cluster_role(
            "system:heapster",
            rule(READ, CORE, "events pods nodes namespaces"),
            rule(READ, "extensions", "deployments"),
        ),
        cluster_role("system:node", *NODE_RULES),
        cluster_role(
            "system:node-problem-detector",
            rule("get", CORE, "nodes"),
            rule("patch", CORE, "nodes/status"),
            EVENTS,
        ),
        cluster_role("system:node-bootstrapper", rule("create get list watch", _CERTIFICATES, csr)),
        cluster_role(
            "system:kubelet-api-admin",
            rule(READ, CORE, "nodes"),
            rule("proxy", CORE, "nodes"),
            rule("*", CORE, "nodes/proxy nodes/metrics nodes/stats nodes/log"),
            rule("*", CORE, "nodes/pods nodes/healthz nodes/configz"),
        ),
        cluster_role(
            "system:node-proxier",
            rule("list watch", CORE, "services endpoints"),
            rule(READ, CORE, "nodes"),
            EVENTS,
            rule("list watch", _NETWORKING, "servicecidrs"),
            rule("list watch", _DISCOVERY, "endpointslices"),
        ),
    ]


def _delegation() -> list[Object]:
    return [
        cluster_role(
            "system:auth-delegator",
            rule("create", _AUTHENTICATION, "tokenreviews"),
            rule("create", _AUTHORIZATION, "subjectaccessreviews"),
        ),
        cluster_role("system:kube-aggregator", rule(READ, CORE, "services endpoints")),
        cluster_role(
            "system:service-account-issuer-discovery",
            urls(
                "get",
                "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
            ),
        ),
    ]


def _components() -> list[Object]:
    return [
        cluster_role(
            "system:kube-controller-manager",
            EVENTS,
            rule("create", _COORDINATION, "leases"),
            rule("get update", _COORDINATION, "leases", names="kube-controller-manager"),
            rule("create", CORE, "secrets serviceaccounts"),
            rule("delete", CORE, "secrets"),
            rule("get", CORE, "namespaces secrets serviceaccounts configmaps"),
            rule("update", CORE, "secrets serviceaccounts"),
            rule("create", _AUTHENTICATION, "tokenreviews"),
            rule("create", _AUTHORIZATION, "subjectaccessreviews"),
            rule("list watch", "*", "*"),
            rule("create", CORE, "serviceaccounts/token"),
        ),
        cluster_role("system:kube-dns", rule("list watch", CORE, "endpoints services")),
        cluster_role(
            "system:persistent-volume-provisioner",
            rule("get list watch create delete", CORE, "persistentvolumes"),
            rule("get list watch update", CORE, "persistentvolumeclaims"),
            rule(READ, _STORAGE, "storageclasses"),
            rule("watch", CORE, "events"),
            EVENTS,
        ),
    ]


def _signing() -> list[Object]:
    prefix = "system:certificates.k8s.io"
    kinds = ("nodeclient", "selfnodeclient")
    csr = "certificatesigningrequests"
    requests = [
        cluster_role(f"{prefix}:{csr}:{kind}", rule("create", _CERTIFICATES, f"{csr}/{kind}")) for kind in kinds
    ]
    approvers = [
        cluster_role(f"{prefix}:{name}-approver", rule("approve", _CERTIFICATES, "signers", names=signer))
        for name, signer in _SIGNERS.items()
    ]
    return requests + approvers


def _scheduling() -> list[Object]:
    return [
        cluster_role(
            "system:volume-scheduler",
            rule(READ_UPDATE, CORE, "persistentvolumes"),
            rule(READ, _STORAGE, "storageclasses"),
            rule(READ_UPDATE, CORE, "persistentvolumeclaims"),
        ),
        cluster_role("system:kube-scheduler", *_scheduler_rules()),
    ]


def _scheduler_rules() -> list[Rule]:
    return [
        EVENTS,
        rule("create", _COORDINATION, "leases"),
        rule("get update list watch", _COORDINATION, "leases", names="kube-scheduler"),
        rule(READ_WRITE, _COORDINATION, "leasecandidates"),
        rule(READ, CORE, "nodes"),
        rule("get list watch delete", CORE, "pods"),
        rule("create", CORE, "pods/binding bindings"),
        rule("patch update", CORE, "pods/status"),
        rule(READ, CORE, "services replicationcontrollers"),
        rule(READ, ("apps", "extensions"), "replicasets"),
        rule(READ, "apps", "statefulsets"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule(READ, CORE, "persistentvolumeclaims persistentvolumes"),
        rule("create", _AUTHENTICATION, "tokenreviews"),
        rule("create", _AUTHORIZATION, "subjectaccessreviews"),
        rule(READ, _STORAGE, "csinodes"),
        rule(READ, _STORAGE, "volumeattachments"),
        rule(READ, CORE, "namespaces"),
        rule(READ, _STORAGE, "csidrivers"),
        rule(READ, _STORAGE, "csistoragecapacities"),
        rule(READ, _RESOURCE, "deviceclasses"),
        rule(READ_UPDATE, _RESOURCE, "resourceclaims"),
        rule(READ_UPDATE, _RESOURCE, "resourceclaims/status"),
        rule("update", CORE, "pods/finalizers"),
        rule(READ, _RESOURCE, "resourceslices"),
        rule("create delete", _RESOURCE, "resourceclaims"),
        rule("update patch", _RESOURCE, "resourceclaims/binding"),
    ]
