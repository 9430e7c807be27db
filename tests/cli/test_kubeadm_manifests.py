"""Commands of the static pods that kubeadm writes start our components: only the program changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.cli.app import run as run_command
from cloudk8s.controlplane import controller_manager, scheduler
from cloudk8s.controlplane.controller_manager import ControllerManagerOptions
from cloudk8s.controlplane.scheduler import SchedulerOptions

CONTROLLER_MANAGER = """
--allocate-node-cidrs=true
--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf
--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf
--bind-address=127.0.0.1
--client-ca-file=/etc/kubernetes/pki/ca.crt
--cluster-cidr=10.244.0.0/16
--cluster-name=kubernetes
--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt
--cluster-signing-key-file=/etc/kubernetes/pki/ca.key
--controllers=*,bootstrapsigner,tokencleaner
--kubeconfig=/etc/kubernetes/controller-manager.conf
--leader-elect=true
--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
--root-ca-file=/etc/kubernetes/pki/ca.crt
--service-account-private-key-file=/etc/kubernetes/pki/sa.key
--service-cluster-ip-range=10.96.0.0/12
--use-service-account-credentials=true
"""
SCHEDULER = """
--authentication-kubeconfig=/etc/kubernetes/scheduler.conf
--authorization-kubeconfig=/etc/kubernetes/scheduler.conf
--bind-address=127.0.0.1
--kubeconfig=/etc/kubernetes/scheduler.conf
--leader-elect=true
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What would have been run; how much is logged goes back to what it was."""
    found: list[Any] = []
    level = logging.getLogger().level

    async def run(options: Any, *, report: Any) -> None:
        found.append(options)

    monkeypatch.setattr(controller_manager, "run_controller_manager", run)
    monkeypatch.setattr(scheduler, "run_scheduler", run)
    yield found
    logging.getLogger().setLevel(level)


def flags(text: str, etc: Path) -> list[str]:
    """The flags of a manifest, whose files are in `etc`."""
    (etc / "pki").mkdir(parents=True)
    for name in ("ca.crt", "ca.key", "sa.key", "front-proxy-ca.crt"):
        (etc / "pki" / name).write_text(name)
    return text.replace("/etc/kubernetes", str(etc)).split()


def manager(tmp_path: Path, started: list[Any], *more: str) -> ControllerManagerOptions:
    assert run_command(["controller-manager", *flags(CONTROLLER_MANAGER, tmp_path / "kubernetes"), *more]) == 0
    assert isinstance(started[-1], ControllerManagerOptions)
    return started[-1]


def test_a_controller_manager_of_kubeadm_starts(tmp_path: Path, started: list[Any]) -> None:
    options = manager(tmp_path, started)
    assert options.kubeconfig == tmp_path / "kubernetes" / "controller-manager.conf"
    assert options.use_service_account_credentials
    assert options.leases.main is not None
    assert options.controllers.allocate_node_cidrs
    assert options.controllers.controllers == ("*", "bootstrapsigner", "tokencleaner")
    assert (options.controllers.cluster_signing_key, options.controllers.service_account_key) == ("ca.key", "sa.key")
    assert (options.cluster.cluster_cidr, options.cluster.service_cluster_ip_range) == ("10.244.0.0/16", "10.96.0.0/12")


def test_its_configuration_is_shown_in_upstreams_shape(tmp_path: Path, started: list[Any]) -> None:
    shown = manager(tmp_path, started, "--concurrent_rc_syncs=7", "--node-cidr-mask-size=26").configuration.shown()
    assert shown["apiVersion"] == "kubecontrollermanager.config.k8s.io/v1alpha1"
    assert shown["Generic"]["LeaderElection"]["leaseDuration"] == "15s"
    assert shown["Generic"]["Port"] == 10257
    assert shown["KubeCloudShared"]["ClusterCIDR"] == "10.244.0.0/16"
    assert shown["KubeCloudShared"]["UseServiceAccountCredentials"] is True
    assert shown["CSRSigningController"]["ClusterSigningDuration"] == "8760h0m0s"
    assert shown["CSRSigningController"]["ClusterSigningKeyFile"].endswith("/pki/ca.key")
    assert shown["ReplicationController"] == {"ConcurrentRCSyncs": 7}
    assert shown["NodeIPAMController"]["NodeCIDRMaskSize"] == 26
    assert shown["NodeIPAMController"]["ServiceCIDR"] == "10.96.0.0/12"


def test_a_scheduler_of_kubeadm_starts(tmp_path: Path, started: list[Any]) -> None:
    assert run_command(["scheduler", *flags(SCHEDULER, tmp_path / "kubernetes")]) == 0
    [options] = started
    assert isinstance(options, SchedulerOptions)
    assert options.leader_election == {"leader_elect": True}
    assert options.serving.secure_port == 10259


def test_a_flag_of_the_scheduler_goes_before_its_configuration(tmp_path: Path, started: list[Any]) -> None:
    config = tmp_path / "scheduler.yaml"
    config.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "leaderElection: {leaseDuration: 30s, renewDeadline: 20s}\nclientConnection: {qps: 5, burst: 9}\n"
    )
    run_command(["scheduler", f"--config={config}", "--leader-elect-lease-duration=40s", "--kube-api-qps=7"])
    found = scheduler.configuration_of(started[0])
    assert found.leader_election.lease_duration.total_seconds() == 40
    assert found.leader_election.renew_deadline.total_seconds() == 20
    assert (found.client_connection.qps, found.client_connection.burst) == (7, 9)


def test_the_schedulers_configuration_can_be_written_and_read_again(tmp_path: Path, started: list[Any]) -> None:
    file = tmp_path / "written.yaml"
    assert run_command(["scheduler", "--leader-elect-retry-period=1s", f"--write-config-to={file}"]) == 0
    assert started == []
    found = scheduler.read_configuration(file)
    assert found.leader_election.retry_period.total_seconds() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--cloud-provider=aws"], "cloudk8s cloud-controller-manager"),
        (["--leader-elect-resource-lock=configmaps"], "only leases"),
        (["--feature-gates=NoSuchThing=true"], "unrecognized feature gate: NoSuchThing"),
        (["--logging-format=xml"], "neither text nor json"),
        (["--node-cidr-mask-size=26", "--cluster-cidr=10.0.0.0/8,fd00::/48"], "is for one range"),
        (["--leader-elect-retry-period=9s"], "must be longer"),
    ],
)
def test_what_somebody_would_rely_on_is_refused(
    tmp_path: Path, started: list[Any], capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    assert run_command(["controller-manager", *given]) == 2
    assert said in capsys.readouterr().err
    assert started == []


def test_what_changes_nothing_is_told_once_and_only_if_it_is_not_so_anyway(
    tmp_path: Path, started: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(
        ["controller-manager", "--profiling=false", "--cluster-name=kubernetes", "--namespace-sync-period=2m0s",
         "--feature-gates=kube:JobSuccessPolicy=true", "--configure-cloud-routes=false", "--v=2", "-v=2"]
    )  # fmt: skip
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("changes nothing")[0].strip() for line in said] == [
        "… --namespace-sync-period=2m0s", "… --feature-gates",
    ]  # fmt: skip
    assert len(started) == 1
