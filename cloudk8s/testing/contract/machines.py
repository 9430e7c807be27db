"""Checks of `Machines`."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.interface import Machines
from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.testing.contract.world import World


class TestMachines:
    """Many at a time, never twice, found again from tags alone."""

    @pytest.fixture
    def machines(self, world: World) -> Machines:
        return require(world)

    def test_machines_are_made_and_found_again(self, world: World, machines: Machines) -> None:
        made = machines.create([request(world, number) for number in (1, 2, 3)])
        world.settle()
        assert all(isinstance(machine, Machine) for machine in made.values())
        found = {machine.uid: machine for machine in require(world).list_owned(world.cluster)}
        assert set(found) == {"machine-1", "machine-2", "machine-3"}
        assert found["machine-2"].name == "worker-2"
        assert found["machine-2"].provider_id.startswith(f"{world.provider}://")
        assert found["machine-2"].role == "worker"

    def test_a_machine_is_never_made_twice(self, world: World, machines: Machines) -> None:
        first = machines.create([request(world, 1)])["machine-1"]
        again = require(world).create([request(world, 1), request(world, 2)])
        assert isinstance(first, Machine)
        assert isinstance(again["machine-1"], Machine)
        assert first.id == again["machine-1"].id
        assert len(alive(machines, world)) == 2

    def test_deleted_machines_are_gone_and_absent_is_success(self, world: World, machines: Machines) -> None:
        machines.create([request(world, 1), request(world, 2)])
        doomed = [machine for machine in machines.list_owned(world.cluster) if machine.uid == "machine-1"]
        assert machines.delete(doomed) == {}
        world.settle()
        assert machines.delete(doomed) == {}
        assert alive(machines, world) == {"machine-2"}

    def test_another_clusters_machines_are_not_ours(self, world: World, machines: Machines) -> None:
        machines.create([MachineRequest("foreign", "foreign", "other"), request(world, 1)])
        assert alive(machines, world) == {"machine-1"}
        assert set(machines.list_clusters()) >= {"other", world.cluster}

    def test_many_cost_few_calls(self, world: World, machines: Machines) -> None:
        if machines.capabilities.batch == 1:
            pytest.skip("this provider makes one machine at a time")
        before = world.mutations()
        machines.create([request(world, 1)])
        one = world.mutations() - before
        before = world.mutations()
        machines.create([request(world, number) for number in range(2, 42)])
        assert world.mutations() - before <= max(5, one)

    def test_nothing_is_fine(self, machines: Machines) -> None:
        assert machines.create([]) == {}
        assert machines.delete([]) == {}


def require(world: World) -> Machines:
    """A fresh contract, or a skipped test."""
    machines = world.machines()
    if machines is None:
        pytest.skip("this provider has no machines")
    return machines


def request(world: World, number: int) -> MachineRequest:
    return MachineRequest(f"machine-{number}", f"worker-{number}", world.cluster, user_data=b"#!/bin/sh\n")


def alive(machines: Machines, world: World) -> set[str]:
    return {entry.uid for entry in machines.list_owned(world.cluster) if entry.state not in ("gone", "deleting")}
