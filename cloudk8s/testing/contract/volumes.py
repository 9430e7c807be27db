"""Checks of `Volumes`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from cloudk8s.cloud.interface import Volumes
from cloudk8s.cloud.model.volume import Volume, VolumeRequest
from cloudk8s.errors import RetryLater
from cloudk8s.testing.contract.world import World

T = TypeVar("T")


class TestVolumes:
    """Made once, attached to one node, deleted for good."""

    @pytest.fixture
    def volumes(self, world: World) -> Volumes:
        return require(world)

    def test_a_volume_is_made_once(self, world: World, volumes: Volumes) -> None:
        first = make(world, volumes)
        again = make(world, require(world))
        assert again.id == first.id
        assert [volume.uid for volume in volumes.list_owned(world.cluster)] == ["claim-1"]

    def test_attach_and_detach_are_idempotent(self, world: World, volumes: Volumes) -> None:
        node, volume = world.start_instance("n1"), make(world, volumes)
        device = wait(world, lambda: volumes.attach(volume.id, node.provider_id))
        assert device
        assert wait(world, lambda: volumes.attach(volume.id, node.provider_id)) == device
        assert volumes.list_owned(world.cluster)[0].state == "attached"
        for _ in range(2):
            wait(world, lambda: volumes.detach(volume.id, node.provider_id))
        world.settle()
        assert volumes.list_owned(world.cluster)[0].state == "available"

    def test_deletion_leaves_nothing_and_absent_is_success(self, world: World, volumes: Volumes) -> None:
        volume = make(world, volumes)
        volumes.delete(volume.id)
        world.settle()
        volumes.delete(volume.id)
        assert list(volumes.list_owned(world.cluster)) == []

    def test_another_clusters_volumes_are_not_ours(self, world: World, volumes: Volumes) -> None:
        volumes.create(VolumeRequest("foreign", "foreign", "other", 1))
        assert list(volumes.list_owned(world.cluster)) == []


def require(world: World) -> Volumes:
    """A fresh contract, or a skipped test."""
    volumes = world.volumes()
    if volumes is None:
        pytest.skip("this provider has no volumes")
    return volumes


def make(world: World, volumes: Volumes) -> Volume:
    volume = volumes.create(VolumeRequest("claim-1", "pvc-1", world.cluster, 8))
    world.settle()
    return volume


def wait(world: World, act: Callable[[], T]) -> T:
    """Call until the cloud has finished."""
    for _ in range(50):
        try:
            return act()
        except RetryLater:
            world.settle()
    raise AssertionError("still not done after 50 tries")
