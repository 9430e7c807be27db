"""The table of what is served and what no schema package says: groups, their order, short names, categories, storage.

Plural names, scopes, verbs and the other subresources are read from packages when the registry file is built
(`cloudk8s.api.registry_build`); this module imports nothing outside the standard library, because that build does too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CatalogGroup:
    """One API group: `versions` preferred first; `package` and `definitions` are how Go and OpenAPI call it."""

    name: str
    versions: tuple[str, ...] = ("v1",)
    definitions: str = ""
    """Prefix of its definition names, up to the version."""
    priority: int = 0
    """Minimum group priority of the APIServices that upstream registers; /apis lists the highest first."""


GROUPS: Final = (
    CatalogGroup("", ("v1",), "io.k8s.api.core", 18000),
    CatalogGroup("apiregistration.k8s.io", ("v1",), "io.k8s.kube-aggregator.pkg.apis.apiregistration", 20000),
    CatalogGroup("apps", ("v1",), "io.k8s.api.apps", 17800),
    CatalogGroup("events.k8s.io", ("v1",), "io.k8s.api.events", 17750),
    CatalogGroup("authentication.k8s.io", ("v1",), "io.k8s.api.authentication", 17700),
    CatalogGroup("authorization.k8s.io", ("v1",), "io.k8s.api.authorization", 17600),
    CatalogGroup("autoscaling", ("v2", "v1"), "io.k8s.api.autoscaling", 17500),
    CatalogGroup("batch", ("v1",), "io.k8s.api.batch", 17400),
    CatalogGroup("certificates.k8s.io", ("v1",), "io.k8s.api.certificates", 17300),
    CatalogGroup("networking.k8s.io", ("v1",), "io.k8s.api.networking", 17200),
    CatalogGroup("policy", ("v1",), "io.k8s.api.policy", 17100),
    CatalogGroup("rbac.authorization.k8s.io", ("v1",), "io.k8s.api.rbac", 17000),
    CatalogGroup("storage.k8s.io", ("v1",), "io.k8s.api.storage", 16800),
    CatalogGroup("admissionregistration.k8s.io", ("v1",), "io.k8s.api.admissionregistration", 16700),
    CatalogGroup("apiextensions.k8s.io", ("v1",), "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions", 16700),
    CatalogGroup("scheduling.k8s.io", ("v1",), "io.k8s.api.scheduling", 16600),
    CatalogGroup("coordination.k8s.io", ("v1",), "io.k8s.api.coordination", 16500),
    CatalogGroup("node.k8s.io", ("v1",), "io.k8s.api.node", 16300),
    CatalogGroup("discovery.k8s.io", ("v1",), "io.k8s.api.discovery", 16200),
    CatalogGroup("resource.k8s.io", ("v1",), "io.k8s.api.resource", 16150),
    CatalogGroup("flowcontrol.apiserver.k8s.io", ("v1",), "io.k8s.api.flowcontrol", 16100),
)

SHORT_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "certificatesigningrequests": ("csr",),
    "componentstatuses": ("cs",),
    "configmaps": ("cm",),
    "cronjobs": ("cj",),
    "customresourcedefinitions": ("crd", "crds"),
    "daemonsets": ("ds",),
    "deployments": ("deploy",),
    "endpoints": ("ep",),
    "events": ("ev",),
    "horizontalpodautoscalers": ("hpa",),
    "ingresses": ("ing",),
    "ipaddresses": ("ip",),
    "limitranges": ("limits",),
    "namespaces": ("ns",),
    "networkpolicies": ("netpol",),
    "nodes": ("no",),
    "persistentvolumeclaims": ("pvc",),
    "persistentvolumes": ("pv",),
    "poddisruptionbudgets": ("pdb",),
    "pods": ("po",),
    "priorityclasses": ("pc",),
    "replicasets": ("rs",),
    "replicationcontrollers": ("rc",),
    "resourcequotas": ("quota",),
    "serviceaccounts": ("sa",),
    "services": ("svc",),
    "statefulsets": ("sts",),
    "storageclasses": ("sc",),
    "volumeattributesclasses": ("vac",),
}
"""By plural; unique among the built-in resources."""

CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "all": (
        "cronjobs",
        "daemonsets",
        "deployments",
        "horizontalpodautoscalers",
        "jobs",
        "pods",
        "replicasets",
        "replicationcontrollers",
        "services",
        "statefulsets",
    ),
    "api-extensions": (
        "apiservices",
        "customresourcedefinitions",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    ),
}
"""Plurals by category."""

VERBS: Final[Mapping[str, tuple[str, ...]]] = {"componentstatuses": ("get", "list")}
"""Where the packages' verbs are not those of discovery."""

_PROXY_VERBS: Final = ("create", "delete", "get", "patch", "update")

OFF: Final = frozenset(
    {"clustertrustbundles", "csinodes/status", "devicetaintrules", "podcertificaterequests"},
)
"""What the packages know and upstream serves only when a feature gate is set."""

CONNECT: Final[Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]] = {
    "nodes": {"proxy": ("NodeProxyOptions", _PROXY_VERBS)},
    "pods": {
        "attach": ("PodAttachOptions", ("create", "get")),
        "exec": ("PodExecOptions", ("create", "get")),
        "portforward": ("PodPortForwardOptions", ("create", "get")),
        "proxy": ("PodProxyOptions", _PROXY_VERBS),
    },
    "services": {"proxy": ("ServiceProxyOptions", _PROXY_VERBS)},
}
"""Streaming subresources of the core group: kind and verbs, by plural and name; the kinds are query parameters only."""

VIRTUAL: Final = frozenset(
    {
        "bindings",
        "componentstatuses",
        "localsubjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "selfsubjectrulesreviews",
        "subjectaccessreviews",
        "tokenreviews",
    }
)
"""Resources of which nothing is stored."""

STORAGE: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("events.k8s.io", "events"): ("", "v1"),
    ("autoscaling", "horizontalpodautoscalers"): ("autoscaling", "v2"),
}
"""Group and version that objects are stored in, where these are not their own."""

DEFAULTS: Final[Mapping[tuple[str, str], str]] = {
    ("io.k8s.api.core.v1.ContainerPort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.LocalObjectReference", "name"): "",
    ("io.k8s.api.core.v1.ServicePort", "protocol"): "TCP",
}
"""Schema defaults of fields that are keys of list maps; server-side apply needs them to identify items."""


DEPRECATED: Final[Mapping[tuple[str, str], tuple[int, str]]] = {
    ("", "componentstatuses"): (19, ""),
    ("", "endpoints"): (33, "discovery.k8s.io/v1 EndpointSlice"),
}
"""The minor version of Kubernetes since which a resource is deprecated, and what to use in its place."""


def deprecation_warning(group: str, plural: str, described: str, served: str) -> str:
    """What requests are warned of, empty where there is nothing; `described` such as `v1 Endpoints`."""
    since, replacement = DEPRECATED.get((group, plural), (0, ""))
    if not since or int(served.partition(".")[2]) < since:
        return ""
    advice = f"; use {replacement}" if replacement else ""
    return f"{described} is deprecated in v1.{since}+{advice}"


def is_built_in(group: str) -> bool:
    """Whether the group is one of upstream's own, whatever of it is served."""
    return any(group == known.name for known in GROUPS)
