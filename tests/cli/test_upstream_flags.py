"""Every flag of upstream's components is known: it has an effect, or it is said what becomes of it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cloudk8s.cli.app import build
from cloudk8s.cli.idle_flags import IdleFlag, remarks, switch, value
from cloudk8s.cli.log_flags import JSONFormatter, level_of
from cloudk8s.cli.upstream_flags import OF_CLOUD_CONTROLLERS, OF_COMPONENTS, OF_CONTROLLERS
from cloudk8s.errors import SettingsError

DOCS = Path(__file__).parents[2] / "docs" / "components.md"
SHARED = """
allow-metric-labels allow-metric-labels-manifest authentication-kubeconfig authentication-skip-lookup
authentication-token-webhook-cache-ttl authentication-tolerate-lookup-failure authorization-always-allow-paths
authorization-kubeconfig authorization-webhook-cache-authorized-ttl authorization-webhook-cache-unauthorized-ttl
bind-address cert-dir client-ca-file contention-profiling disable-http2-serving disabled-metrics emulated-version
feature-gates http2-max-streams-per-connection kube-api-burst kube-api-content-type kube-api-qps kubeconfig
leader-elect leader-elect-lease-duration leader-elect-renew-deadline leader-elect-resource-lock
leader-elect-resource-name leader-elect-resource-namespace leader-elect-retry-period log-flush-frequency
log-text-info-buffer-size log-text-split-stream logging-format master min-compatibility-version
permit-address-sharing permit-port-sharing profiling requestheader-allowed-names requestheader-client-ca-file
requestheader-extra-headers-prefix requestheader-group-headers requestheader-uid-headers
requestheader-username-headers secure-port show-hidden-metrics-for-version tls-cert-file tls-cipher-suites
tls-min-version tls-private-key-file tls-sni-cert-key v version vmodule
"""
CONTROLLER_MANAGER = """
allocate-node-cidrs attach-detach-reconcile-sync-period cidr-allocator-type cloud-config cloud-provider cluster-cidr
cluster-name cluster-signing-cert-file cluster-signing-duration cluster-signing-key-file
cluster-signing-kube-apiserver-client-cert-file cluster-signing-kube-apiserver-client-key-file
cluster-signing-kubelet-client-cert-file cluster-signing-kubelet-client-key-file
cluster-signing-kubelet-serving-cert-file cluster-signing-kubelet-serving-key-file
cluster-signing-legacy-unknown-cert-file cluster-signing-legacy-unknown-key-file concurrent-cron-job-syncs
concurrent-daemonset-syncs concurrent-deployment-syncs concurrent-device-taint-eviction-syncs
concurrent-endpoint-syncs concurrent-ephemeralvolume-syncs concurrent-gc-syncs
concurrent-horizontal-pod-autoscaler-syncs concurrent-job-syncs concurrent-namespace-syncs concurrent-rc-syncs
concurrent-replicaset-syncs concurrent-resource-claim-syncs concurrent-resource-quota-syncs
concurrent-service-endpoint-syncs concurrent-service-syncs concurrent-serviceaccount-token-syncs
concurrent-statefulset-syncs concurrent-ttl-after-finished-syncs concurrent-validating-admission-policy-status-syncs
configure-cloud-routes controller-shutdown-timeout controller-start-interval controllers
disable-attach-detach-reconcile-sync disable-force-detach-on-timeout enable-dynamic-provisioning
enable-garbage-collector enable-hostpath-provisioner enable-leader-migration endpoint-updates-batch-period
endpointslice-updates-batch-period external-cloud-volume-plugin flex-volume-plugin-dir
horizontal-pod-autoscaler-cpu-initialization-period horizontal-pod-autoscaler-downscale-stabilization
horizontal-pod-autoscaler-initial-readiness-delay horizontal-pod-autoscaler-sync-period
horizontal-pod-autoscaler-tolerance large-cluster-size-threshold leader-migration-config
legacy-service-account-token-clean-up-period max-endpoints-per-slice min-resync-period
mirroring-concurrent-service-endpoint-syncs mirroring-endpointslice-updates-batch-period
mirroring-max-endpoints-per-subset namespace-sync-period node-cidr-mask-size node-cidr-mask-size-ipv4
node-cidr-mask-size-ipv6 node-eviction-rate node-monitor-grace-period node-monitor-period node-startup-grace-period
pv-recycler-increment-timeout-nfs pv-recycler-minimum-timeout-hostpath pv-recycler-minimum-timeout-nfs
pv-recycler-pod-template-filepath-hostpath pv-recycler-pod-template-filepath-nfs
pv-recycler-timeout-increment-hostpath pvclaimbinder-sync-period resource-quota-sync-period root-ca-file
route-reconciliation-period secondary-node-eviction-rate service-account-private-key-file service-cluster-ip-range
terminated-pod-gc-threshold unhealthy-zone-threshold use-service-account-credentials
"""
CLOUD_CONTROLLER_MANAGER = """
allocate-node-cidrs allow-untagged-cloud cidr-allocator-type cloud-config cloud-provider cluster-cidr cluster-name
concurrent-node-syncs concurrent-service-syncs configure-cloud-routes controller-start-interval controllers
enable-leader-migration external-cloud-volume-plugin leader-migration-config min-resync-period node-monitor-period
node-status-update-frequency node-sync-period route-reconciliation-period use-service-account-credentials
"""
SCHEDULER = "config pod-max-in-unschedulable-pods-duration write-config-to"


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("controller-manager", f"{SHARED} {CONTROLLER_MANAGER}"),
        ("scheduler", f"{SHARED} {SCHEDULER}"),
        ("cloud-controller-manager", f"{SHARED} {CLOUD_CONTROLLER_MANAGER}"),
    ],
)
def test_every_flag_of_upstreams_is_taken(command: str, wanted: str) -> None:
    found: Any = typer.main.get_command(build([command]))
    found = getattr(found, "commands", {}).get(command, found)
    known = {option.removeprefix("--") for each in found.params for option in each.opts}
    assert sorted(set(wanted.split()) - known) == []


def test_each_flag_without_effect_is_in_the_docs() -> None:
    text = DOCS.read_text()
    assert [
        name for name in (*OF_COMPONENTS, *OF_CONTROLLERS, *OF_CLOUD_CONTROLLERS) if f"`--{name}`" not in text
    ] == []


TABLE = {
    "calm": switch("it is so", true="false"),
    "name": value("nobody asks"),
    "lock": value("no", "a", is_refused=True),
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"calm": False, "lock": ["a"]}, []),
        ({"calm": True}, ["--calm=true changes nothing: it is so"]),
        ({"name": ["x", "y"]}, ["--name=x,y changes nothing: nobody asks"]),
    ],
)
def test_what_is_not_so_anyway_is_said(given: dict[str, Any], said: list[str]) -> None:
    assert remarks(TABLE, given) == said


def test_a_value_that_somebody_relies_on_is_refused() -> None:
    with pytest.raises(SettingsError, match="--lock=b: no"):
        remarks({"lock": IdleFlag("no", ("a",), is_refused=True)}, {"lock": ["b"]})


@pytest.mark.parametrize(
    ("number", "level"), [(0, logging.WARNING), (1, logging.WARNING), (2, logging.INFO), (9, logging.DEBUG)]
)
def test_numbers_of_verbosity_are_levels(number: int, level: int) -> None:
    assert level_of(number) == level


def test_lines_of_a_json_log_are_upstreams() -> None:
    record = logging.LogRecord("cloudk8s.a", logging.WARNING, "/x/a.py", 7, "%s is gone", ("pod",), None)
    found = json.loads(JSONFormatter().format(record))
    assert {**found, "ts": 0} == {"ts": 0, "caller": "a.py:7", "logger": "cloudk8s.a", "msg": "pod is gone", "v": 0}


@pytest.mark.parametrize(("level", "number"), [(logging.ERROR, None), (logging.WARNING, 0)])
def test_an_exception_is_told_in_json_with_where_it_came_from(level: int, number: int | None) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("a", level, "a.py", 7, "failed", (), sys.exc_info())
    found = json.loads(JSONFormatter().format(record))
    assert (found.get("v"), found["err"]) == (number, "ValueError('no')")
    assert 'raise ValueError("no")' in found["stacktrace"]
