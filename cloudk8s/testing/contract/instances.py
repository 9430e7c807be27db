"""Checks of `Instances`."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.interface import Instances
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.testing.contract.world import World


class TestInstances:
    """One call for many nodes; never "gone" in doubt."""

    @pytest.fixture
    def instances(self, world: World) -> Instances:
        instances = world.instances()
        if instances is None:
            pytest.skip("this provider has no instances")
        return instances

    def test_a_running_instance_is_present(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        found = instances.describe([node])["n1"]
        assert found.state == "present"
        assert found.provider_id.startswith(f"{world.provider}://")
        assert found.matched_by
        assert any(entry.type == "InternalIP" for entry in found.addresses)

    def test_the_provider_id_is_stable(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        first = instances.describe([node])["n1"]
        fresh = world.instances()
        assert fresh is not None
        again = fresh.describe([NodeRef("n1", provider_id=first.provider_id)])["n1"]
        assert again.provider_id == first.provider_id
        assert again.matched_by == "provider-id"

    def test_a_node_without_provider_id_is_found(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        bare = NodeRef("n1", addresses=node.addresses)
        known = instances.describe([node])["n1"].provider_id
        assert instances.describe([bare])["n1"].provider_id == known

    def test_an_unknown_name_is_nobodys(self, instances: Instances) -> None:
        assert instances.describe([NodeRef("stranger")]) == {}

    def test_another_providers_node_is_nobodys(self, instances: Instances) -> None:
        assert instances.describe([NodeRef("x", provider_id="elsewhere://zone/i-1")]) == {}

    def test_a_stopped_instance_is_shut_down(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        world.stop_instance(node)
        world.settle()
        assert instances.describe([node])["n1"].state == "shutdown"

    def test_a_terminated_instance_is_gone(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        known = NodeRef("n1", provider_id=instances.describe([node])["n1"].provider_id)
        world.terminate_instance(node)
        world.settle()
        assert instances.describe([known])["n1"].state == "gone"

    def test_one_lost_instance_spoils_no_answer(self, world: World, instances: Instances) -> None:
        lost, kept = world.start_instance("lost"), world.start_instance("kept")
        world.terminate_instance(lost)
        world.settle()
        found = instances.describe([lost, kept, NodeRef("stranger"), NodeRef("odd", provider_id="no id at all")])
        assert found["kept"].state == "present"
        assert "stranger" not in found
        assert "odd" not in found or found["odd"].state == "unknown"

    def test_many_nodes_cost_no_more_calls_than_a_few(self, world: World, instances: Instances) -> None:
        nodes = [world.start_instance(f"n{number}") for number in range(12)]
        instances.describe(nodes[:1])  # what never changes may be read once
        before = world.reads()
        instances.describe(nodes[:2])
        few = world.reads() - before
        assert len(instances.describe(nodes)) == 12
        assert world.reads() - before - few == few

    def test_asking_changes_nothing(self, world: World, instances: Instances) -> None:
        node = world.start_instance("n1")
        before = world.mutations()
        instances.describe([node])
        assert world.mutations() == before

    def test_asking_about_nobody_is_fine(self, instances: Instances) -> None:
        assert instances.describe([]) == {}
