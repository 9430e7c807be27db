"""Every role and binding that a cluster starts with."""

from __future__ import annotations

from typing import Final

from cloudk8s.apiserver.authorization.policy.cluster_roles import cluster_roles
from cloudk8s.apiserver.authorization.policy.controller_roles import PREFIX, controller_bindings, controller_roles
from cloudk8s.apiserver.authorization.policy.shorthand import (
    CORE,
    EVENTS,
    READ,
    Object,
    binding,
    cluster_binding,
    group,
    role,
    rule,
    service_account,
    user,
)

_SYSTEM, _PUBLIC = "kube-system", "kube-public"
_CONTROLLER_MANAGER: Final = "system:kube-controller-manager"
_SCHEDULER: Final = "system:kube-scheduler"


def default_policy() -> list[Object]:
    """Roles before the bindings to them; new dicts at every call."""
    roles = [*cluster_roles(), *controller_roles(), *_namespace_roles()]
    return [*roles, *_cluster_bindings(), *controller_bindings(), *_namespace_bindings()]


def _cluster_bindings() -> list[Object]:
    everyone = (group("system:authenticated"), group("system:unauthenticated"))
    return [
        cluster_binding("cluster-admin", group("system:masters")),
        cluster_binding("system:monitoring", group("system:monitoring")),
        cluster_binding("system:discovery", everyone[0]),
        cluster_binding("system:basic-user", everyone[0]),
        cluster_binding("system:public-info-viewer", *everyone),
        cluster_binding("system:node-proxier", user("system:kube-proxy")),
        cluster_binding(_CONTROLLER_MANAGER, user(_CONTROLLER_MANAGER)),
        cluster_binding("system:kube-dns", service_account(_SYSTEM, "kube-dns")),
        cluster_binding(_SCHEDULER, user(_SCHEDULER)),
        cluster_binding("system:volume-scheduler", user(_SCHEDULER)),
        cluster_binding("system:node"),  # without subjects: nodes have the Node authorizer
        cluster_binding("system:service-account-issuer-discovery", group("system:serviceaccounts")),
    ]


def _namespace_roles() -> list[Object]:
    signer = f"{PREFIX}bootstrap-signer"
    return [
        role(
            _SYSTEM,
            "extension-apiserver-authentication-reader",
            rule(READ, CORE, "configmaps", names="extension-apiserver-authentication"),
        ),
        role(_SYSTEM, signer, rule(READ, CORE, "secrets")),
        role(_SYSTEM, f"{PREFIX}cloud-provider", rule("create get list watch", CORE, "configmaps")),
        role(_SYSTEM, f"{PREFIX}token-cleaner", rule("get list watch delete", CORE, "secrets"), EVENTS),
        role(
            _SYSTEM,
            "system::leader-locking-kube-controller-manager",
            rule("watch", CORE, "configmaps"),
            rule("get update", CORE, "configmaps", names="kube-controller-manager"),
        ),
        role(
            _SYSTEM,
            "system::leader-locking-kube-scheduler",
            rule("watch", CORE, "configmaps"),
            rule("get update", CORE, "configmaps", names="kube-scheduler"),
        ),
        role(
            _PUBLIC,
            signer,
            rule(READ, CORE, "configmaps"),
            rule("update", CORE, "configmaps", names="cluster-info"),
            EVENTS,
        ),
    ]


def _namespace_bindings() -> list[Object]:
    reader = "extension-apiserver-authentication-reader"
    found = [
        binding(_SYSTEM, f"system::{reader}", reader, user(_CONTROLLER_MANAGER), user(_SCHEDULER)),
        *(_leader_lock(name) for name in ("kube-controller-manager", "kube-scheduler")),
    ]
    for name in ("bootstrap-signer", "cloud-provider", "token-cleaner"):
        found.append(binding(_SYSTEM, PREFIX + name, PREFIX + name, service_account(_SYSTEM, name)))
    signer = f"{PREFIX}bootstrap-signer"
    return [*found, binding(_PUBLIC, signer, signer, service_account(_SYSTEM, "bootstrap-signer"))]


def _leader_lock(component: str) -> Object:
    name = f"system::leader-locking-{component}"
    return binding(_SYSTEM, name, name, user(f"system:{component}"), service_account(_SYSTEM, component))
