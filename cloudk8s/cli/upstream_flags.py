"""Which flags of kube-controller-manager, kube-scheduler and cloud-controller-managers mean nothing here, and why.

https://kubernetes.io/docs/reference/command-line-tools-reference/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudk8s.cli.idle_flags import IdleFlag, switch, value

_METRICS: Final = "/metrics shows every metric with all its labels"
_FRONT_PROXY: Final = "certificates of a front proxy are not believed on this port"
_LOGS: Final = "every line is written at once, to standard error"
_VERSION: Final = "controllers do what the API server's release does"
_HTTP: Final = "HTTP/1.1 is spoken on this port"
_PROFILING: Final = "there are no pages of profiles"
_SHARING: Final = "no other process can have the same port"
_CLOUD: Final = "`cloudk8s cloud-controller-manager` looks after what is in a cloud"
_ATTACHING: Final = "what is attached is looked at when something changes, and a minute later where it must wait"
_RESYNC: Final = "informers resume where they were, and need no second look"
_RECYCLING: Final = "volumes are kept or deleted, never recycled"

OF_COMPONENTS: Final[Mapping[str, IdleFlag]] = {
    "allow-metric-labels": value(_METRICS),
    "allow-metric-labels-manifest": value(_METRICS),
    "authentication-tolerate-lookup-failure": switch(
        "without the cluster's authority the port opens, believes no certificates, and goes on looking for it",
        true="true",
    ),
    "contention-profiling": switch(_PROFILING, true="false"),
    "disable-http2-serving": switch(_HTTP, true="true"),
    "disabled-metrics": value(_METRICS),
    "emulated-version": value(_VERSION),
    "emulation-forward-compatible": switch(_VERSION, true="false"),
    "http2-max-streams-per-connection": value(_HTTP, "0"),
    "kube-api-content-type": value("the API server is sent JSON", "application/json"),
    "leader-elect-resource-lock": value("only leases are locks", "leases", is_refused=True),
    "log-flush-frequency": value(_LOGS, "5s"),
    "log-json-info-buffer-size": value(_LOGS, "0"),
    "log-json-split-stream": switch(_LOGS, true="false"),
    "log-text-info-buffer-size": value(_LOGS, "0"),
    "log-text-split-stream": switch(_LOGS, true="false"),
    "min-compatibility-version": value(_VERSION),
    "permit-address-sharing": switch("the address is shared anyway", true="true"),
    "permit-port-sharing": switch(_SHARING, true="false"),
    "profiling": switch(_PROFILING, true="false"),
    "requestheader-allowed-names": value(_FRONT_PROXY),
    "requestheader-client-ca-file": value(_FRONT_PROXY),
    "requestheader-extra-headers-prefix": value(_FRONT_PROXY),
    "requestheader-group-headers": value(_FRONT_PROXY),
    "requestheader-uid-headers": value(_FRONT_PROXY),
    "requestheader-username-headers": value(_FRONT_PROXY),
    "show-hidden-metrics-for-version": value(_METRICS),
    "tls-sni-cert-key": value("every client is shown the certificate of --tls-cert-file"),
    "vmodule": value("--v is for all of it"),
}
"""What every component takes."""

OF_CLOUD_CONTROLLERS: Final[Mapping[str, IdleFlag]] = {
    **OF_COMPONENTS,
    "allow-untagged-cloud": switch("things in a cloud are found by their tags", true="false", is_refused=True),
    "cidr-allocator-type": value("nodes get their ranges from --cluster-cidr", "RangeAllocator", is_refused=True),
    "cloud-config": value("clouds and their settings are in the file of --config", "", is_refused=True),
    "controller-start-interval": value("controllers start at once", "0", "0s"),
    "external-cloud-volume-plugin": value("volumes are made by CSI drivers", ""),
    "min-resync-period": value(_RESYNC, "12h", "12h0m0s"),
    "node-sync-period": value("what nodes are is looked at every --node-status-update-frequency"),
}
"""What a cloud-controller-manager takes beyond what has an effect."""

OF_CONTROLLERS: Final[Mapping[str, IdleFlag]] = {
    **OF_COMPONENTS,
    "allow-untagged-cloud": switch(_CLOUD, true="false"),
    "attach-detach-reconcile-sync-period": value(_ATTACHING, "1m", "1m0s"),
    "cidr-allocator-type": value(
        "nodes get their ranges from --cluster-cidr; " + _CLOUD, "RangeAllocator", is_refused=True
    ),
    "cloud-config": value(_CLOUD, ""),
    "cloud-provider": value(
        'there are no clouds inside; say "external" and start `cloudk8s cloud-controller-manager`', "", "external",
        is_refused=True,
    ),
    "cluster-name": value("only names of things in a cloud have it; " + _CLOUD, "kubernetes"),
    "concurrent-service-syncs": value(_CLOUD, "1"),
    "configure-cloud-routes": switch(_CLOUD, true="true false"),
    "controller-shutdown-timeout": value("controllers end at once", "10s"),
    "disable-attach-detach-reconcile-sync": switch(_ATTACHING, true="false"),
    "enable-hostpath-provisioner": switch("the plugin `local-path` makes volumes on nodes", true="false"),
    "external-cloud-volume-plugin": value("volumes are made by CSI drivers", ""),
    "flex-volume-plugin-dir": value("there are no flex volumes; use a CSI driver"),
    "min-resync-period": value(_RESYNC, "12h", "12h0m0s"),
    "namespace-sync-period": value("namespaces are looked at when they change, until they are gone", "5m", "5m0s"),
    "node-sync-period": value(_CLOUD),
    "pv-recycler-increment-timeout-nfs": value(_RECYCLING),
    "pv-recycler-minimum-timeout-hostpath": value(_RECYCLING),
    "pv-recycler-minimum-timeout-nfs": value(_RECYCLING),
    "pv-recycler-pod-template-filepath-hostpath": value(_RECYCLING),
    "pv-recycler-pod-template-filepath-nfs": value(_RECYCLING),
    "pv-recycler-timeout-increment-hostpath": value(_RECYCLING),
    "route-reconciliation-period": value(_CLOUD, "10s"),
}  # fmt: skip
"""What kube-controller-manager takes beyond what has an effect."""
