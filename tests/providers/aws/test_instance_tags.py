"""The tag controller: instances carry the tags that are asked for, in few calls, and lose them with their node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.plugin import CloudController
from cloudk8s.testing.cloud_harness import CloudHarness, make_node
from cloudk8s_aws.controllers import TAGS
from cloudk8s_aws.instance_tags.controller import LABEL, TagController
from cloudk8s_aws.instance_tags.tagging import InstanceTagger, mark_of
from cloudk8s_aws.testing import AwsWorld

WANTED = {"team": "shop", "cost": "7"}


class Stage:
    def __init__(self, world: AwsWorld) -> None:
        self.world = world
        self.harness = CloudHarness(clock=world.clock, cluster=world.cluster)

    def start(self, name: str) -> str:
        ref = self.world.start_instance(name)
        self.harness.client.add(make_node(name, provider_id=ref.provider_id))
        return ref.provider_id.rpartition("/")[2]

    def tags(self, instance: str) -> dict[str, str]:
        filters = [{"Name": "resource-id", "Values": [instance]}]
        found = self.world.raw("ec2").describe_tags(Filters=filters)["Tags"]
        return {entry["Key"]: entry["Value"] for entry in found if entry["Key"] in WANTED}

    @asynccontextmanager
    async def running(self, tags: dict[str, str]) -> AsyncIterator[None]:
        tagger = InstanceTagger(self.world.aws().api, tags)

        def make(context: Any, calls: Any) -> TagController:
            return TagController(context, calls, tagger)

        self.harness.clouds.clear()
        self.harness.attach("cloud", "aws", controllers=[CloudController(TAGS, make)])
        async with self.harness.running(TAGS):
            await self.harness.settle(5)
            yield


@pytest.fixture
def stage(world: AwsWorld) -> Stage:
    return Stage(world)


async def test_instances_are_tagged_together_and_only_once(stage: Stage) -> None:
    instances = [stage.start(f"n{number}") for number in range(6)]
    before = stage.world.mutations()
    async with stage.running(WANTED):
        assert all(stage.tags(instance) == WANTED for instance in instances)
        assert stage.world.mutations() == before + 1
        assert stage.harness.node("n1")["metadata"]["labels"][LABEL] == mark_of(WANTED)
    async with stage.running(WANTED):
        assert stage.world.mutations() == before + 1


async def test_other_tags_are_put_on_when_the_settings_change(stage: Stage) -> None:
    instance = stage.start("n1")
    async with stage.running({"team": "old"}):
        assert stage.tags(instance) == {"team": "old"}
    async with stage.running(WANTED):
        assert stage.tags(instance) == WANTED


async def test_tags_go_with_the_node(stage: Stage) -> None:
    instance = stage.start("n1")
    async with stage.running(WANTED):
        await stage.harness.client.delete(NODES, "n1")
        await stage.harness.settle(5)
        assert stage.tags(instance) == {}


async def test_a_lost_instance_spoils_no_other(stage: Stage) -> None:
    instance = stage.start("n1")
    stage.harness.client.add(make_node("lost", provider_id="aws:///us-east-1a/i-0123456789abcdef0"))
    stage.harness.client.add(make_node("foreign", provider_id="gce://project/zone/name"))
    async with stage.running(WANTED):
        assert stage.tags(instance) == WANTED
        assert LABEL not in (stage.harness.node("lost")["metadata"].get("labels") or {})
        await stage.harness.settle(600)
        calls = len(stage.world.faults.calls)
        await stage.harness.settle(600)
        assert len(stage.world.faults.calls) == calls, "it is given up five minutes after the node came"


def test_the_mark_follows_from_the_tags_and_not_from_their_order() -> None:
    assert mark_of({"team": "a", "cost": "7"}) == mark_of({"cost": "7", "team": "a"})
    assert mark_of({"team": "a", "cost": "7"}) != mark_of({"team": "a", "cost": "8"})
