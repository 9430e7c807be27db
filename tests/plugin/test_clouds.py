"""Configured clouds: a file becomes clouds with contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.cloud.controllers.assembly import ALIASES, IPAM, registrations, selected
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.plugin import Plugins
from cloudk8s.plugin.clouds import attach_clouds, load_clouds

GOOD = """
clouds:
  - {name: east, provider: simulated, settings: {region: east, zones: [a]}}
  - {name: west, provider: simulated}
controllers:
  cluster: shop
  cluster_cidrs: [10.244.0.0/16]
  default_cloud: west
  node_monitor_period: 2
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    return path


def test_a_file_becomes_clouds_and_controllers(tmp_path: Path) -> None:
    file, clock = load_clouds(write(tmp_path, GOOD)), FakeClock()
    clouds = attach_clouds(Plugins.load(), file.clouds, file.controllers, clock=clock)
    assert [(cloud.name, cloud.provider) for cloud in clouds] == [("east", "simulated"), ("west", "simulated")]
    found = registrations(clouds, file.controllers, clock=clock)
    assert {registration.name for registration in found} == set(ALIASES.values()) - {IPAM}
    assert [entry.name for entry in selected(found, ["-route", "*"])] == [
        name for name in (entry.name for entry in found) if name != "node-route-controller"
    ]
    assert [entry.name for entry in selected(found, ["service"])] == ["service-lb-controller"]
    with pytest.raises(SettingsError, match="there is no controller 'services'"):
        selected(found, ["services"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clouds: [{name: x}]", r"clouds.0.provider: Field required"),
        ("clouds: []\ncontroller: {}", r"controller: .* did you mean 'controllers'\?"),
        ("clouds: [", r"clouds.yaml: "),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_clouds(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.yaml: No such file"):
        load_clouds(tmp_path / "nothing.yaml")


def test_routes_need_a_cluster_range(tmp_path: Path) -> None:
    file = load_clouds(write(tmp_path, "clouds: [{name: x, provider: simulated}]"))
    clouds = attach_clouds(Plugins.load(), file.clouds, file.controllers, clock=FakeClock())
    with pytest.raises(SettingsError, match="cluster_cidrs"):
        registrations(clouds, file.controllers, clock=FakeClock())


def test_two_clouds_of_one_name_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("west, provider", "east, provider").replace("default_cloud: west", "default_cloud: east")
    file = load_clouds(write(tmp_path, text))
    clouds = attach_clouds(Plugins.load(), file.clouds, file.controllers, clock=FakeClock())
    with pytest.raises(SettingsError, match="two clouds have one name"):
        registrations(clouds, file.controllers, clock=FakeClock())
