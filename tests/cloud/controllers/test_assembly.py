"""Which cloud controllers run: by what clouds offer, by settings, and by `--controllers`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.cloud.controllers.assembly import (
    IPAM,
    NODE,
    NODE_LIFECYCLE,
    ROUTE,
    SERVICE,
    registrations,
    selected,
)
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.errors import SettingsError
from cloudk8s.testing.cloud_harness import CloudHarness
from cloudk8s.testing.recording_cloud import RecordingInstances, RecordingLoadBalancers, RecordingRoutes

ALL = [NODE, NODE_LIFECYCLE, ROUTE, SERVICE]


def found(contracts: dict[str, Any] | None = None, **settings: Any) -> Any:
    harness = CloudHarness(**settings)
    whole = {"instances": RecordingInstances(), "routes": RecordingRoutes(), "load_balancers": RecordingLoadBalancers()}
    harness.attach(**(whole if contracts is None else contracts))
    return registrations(harness.clouds, harness.settings, clock=harness.clock)


def names(entries: Sequence[Any]) -> list[str]:
    return [entry.name for entry in entries]


def test_defaults_are_upstreams_but_for_how_much_is_done_at_once() -> None:
    settings = CloudControllerSettings()
    assert settings.cluster == "kubernetes"
    assert settings.node_monitor_period == timedelta(seconds=5)
    assert settings.node_status_update_frequency == timedelta(minutes=5)
    assert settings.route_reconciliation_period == timedelta(seconds=10)
    assert settings.concurrent_routes == 200
    assert settings.configure_cloud_routes
    assert not settings.allocate_node_cidrs
    assert settings.node_status_updates == settings.concurrent_node_syncs == 8
    assert settings.model_copy(update={"concurrent_node_status_updates": 3}).node_status_updates == 3


@pytest.mark.parametrize(
    ("contracts", "run"),
    [
        ({"instances": RecordingInstances()}, [NODE, NODE_LIFECYCLE]),
        ({"routes": RecordingRoutes()}, [ROUTE]),
        ({"load_balancers": RecordingLoadBalancers()}, [SERVICE]),
        ({}, []),
    ],
)
def test_what_no_cloud_offers_is_left_out(contracts: dict[str, Any], run: list[str]) -> None:
    assert names(found(contracts)) == run


def test_settings_turn_routes_off_and_node_ranges_on() -> None:
    assert names(found()) == ALL
    assert names(found(configure_cloud_routes=False)) == [NODE, NODE_LIFECYCLE, SERVICE]
    assert names(found(allocate_node_cidrs=True)) == [*ALL, IPAM]


@pytest.mark.parametrize(
    "ranges",
    [
        (),
        ("10.0.0.0/16", "10.1.0.0/16"),
        ("10.0.0.0/16", "fd00::/48", "10.1.0.0/16"),
        ("fd00::/48", "fd01::/48"),
        ("x",),
    ],
)
def test_ranges_that_can_not_be_routed_are_refused(ranges: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="cluster_cidrs"):
        found(cluster_cidrs=ranges)


@pytest.mark.parametrize(
    ("asked", "run"),
    [
        (["*"], ALL),
        (["*", "-service"], [NODE, NODE_LIFECYCLE, ROUTE]),
        (["-service", "service", "*"], [NODE, NODE_LIFECYCLE, ROUTE]),
        (["service", "-service"], [SERVICE]),
        (["cloud-node"], [NODE]),
        (["cloud-node-lifecycle", "route"], [NODE_LIFECYCLE, ROUTE]),
        ([SERVICE], [SERVICE]),
        (["-route"], []),
    ],
)
def test_the_first_match_of_controllers_wins_under_old_names_and_new_ones(asked: list[str], run: list[str]) -> None:
    assert names(selected(found(), asked)) == run


def test_an_unknown_controller_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=f"no controller 'services'; there is .*{SERVICE}"):
        selected(found(), ["services"])
