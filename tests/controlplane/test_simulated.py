from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.controlplane.simulated import Simulation, load_scenario, simulated_cloud_settings, simulated_names
from cloudk8s.errors import UserError
from cloudk8s_simulated.settings import SimulatedSettings


def test_a_scenario_makes_the_simulated_cloud_slow_and_faulty(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "apiVersion: simulated.cloudk8s.io/v1alpha1\nkind: Simulation\nspec:\n"
        "  cloud: {latency: 0.5, throttled: 0.2, lost: 0.1, lag: 3, readyAfter: {balancer: 4}, limits: {balancer: 2}}\n"
    )
    settings = SimulatedSettings(**simulated_cloud_settings(Simulation(3, str(path), seed=7)))
    assert (settings.latency, settings.throttled, settings.lost, settings.lag) == (0.5, 0.2, 0.1, 3.0)
    assert (settings.ready_after, settings.limits, settings.seed) == ({"balancer": 4.0}, {"balancer": 2}, 7)


def test_the_seed_of_the_file_counts_before_that_of_the_command() -> None:
    assert simulated_cloud_settings(Simulation(3, "chaos", seed=7))["seed"] == 1


def test_without_a_file_nothing_is_told() -> None:
    assert load_scenario("").stages == ()
    assert simulated_names(11)[-1] == "sim-10"


def test_a_file_that_is_not_there_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="cannot read the stages"):
        load_scenario("/nowhere/stages.yaml")
