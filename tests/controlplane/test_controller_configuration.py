from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from cloudk8s.cli.controller_flags import FLAGS
from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane import controller_configuration
from cloudk8s.controlplane.controller_leases import ControllerLeases
from cloudk8s.controlplane.controller_manager import ControllerManagerOptions
from cloudk8s.settings import ClusterSettings

UPSTREAM_HAS_NO_SUCH = {"concurrent_syncs"}


def test_what_it_was_started_with_is_shown_under_upstreams_names() -> None:
    settings = ControllerSettings(
        concurrent_daemonset_syncs=3, node_monitor_period=timedelta(seconds=7), cluster_signing_key="PRIVATE KEY",
        allocate_node_cidrs=True,
    )  # fmt: skip
    cluster = ClusterSettings(data_dir=Path(), service_cluster_ip_range="10.0.0.0/16,fd00::/112")
    options = ControllerManagerOptions(
        cluster=cluster, controllers=settings, leases=ControllerLeases(LeaderElection("lease", "me")),
        use_service_account_credentials=True, flags={"cluster-signing-key-file": "/ca.key"}, qps=20.0, burst=30,
    )  # fmt: skip
    shown = options.configuration.shown()
    assert shown["DaemonSetController"] == {"ConcurrentDaemonSetSyncs": 3}
    shared = shown["KubeCloudShared"]
    assert (shared["NodeMonitorPeriod"], shared["AllocateNodeCIDRs"]) == ("7s", True)
    assert shared["UseServiceAccountCredentials"] is True
    ranges = shown["NodeIPAMController"]
    assert (ranges["ServiceCIDR"], ranges["SecondaryServiceCIDR"]) == ("10.0.0.0/16", "fd00::/112")
    assert shown["CSRSigningController"]["ClusterSigningKeyFile"] == "/ca.key"
    generic = shown["Generic"]
    assert (generic["ClientConnection"]["qps"], generic["ClientConnection"]["burst"]) == (20.0, 30)
    assert (generic["LeaderElection"]["resourceName"], generic["LeaderElection"]["leaseDuration"]) == ("lease", "15s")
    assert "PRIVATE KEY" not in json.dumps(shown)


def test_alone_and_as_one_account_it_says_so() -> None:
    shown = ControllerManagerOptions().configuration.shown()
    assert shown["Generic"]["LeaderElection"] == {"leaderElect": False}
    assert shown["KubeCloudShared"]["UseServiceAccountCredentials"] is False


def test_every_setting_that_is_a_flag_is_shown() -> None:
    default = json.dumps(ControllerManagerOptions().configuration.shown())
    for field in FLAGS.keys() - UPSTREAM_HAS_NO_SUCH:
        old = getattr(ControllerSettings(), field)
        match old:
            case bool():
                new: object = not old
            case timedelta():
                new = old + timedelta(seconds=1)
            case _:
                new = old + 1
        changed = ControllerManagerOptions(controllers=ControllerSettings.model_validate({field: new}))
        assert json.dumps(changed.configuration.shown()) != default, field


def test_no_setting_is_shown_twice() -> None:
    shown = [ours for fields in controller_configuration._FIELDS.values() for ours in fields.values()]
    assert len(set(shown)) == len(shown)
