"""N1–N13: the node controller with the provider inside."""

from __future__ import annotations

import itertools
from dataclasses import replace

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import NODE
from cloudk8s.cloud.model.instance import NodeAddress
from cloudk8s.errors import CloudError, Conflict
from cloudk8s.testing.cloud_harness import make_node
from cloudk8s.testing.contract.stage import TAINT, Stage, addresses
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.fake_client import Action

OTHER = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
PROVIDED = "alpha.kubernetes.io/provided-node-ip"
LABELS = {
    "node.kubernetes.io/instance-type": "type", "beta.kubernetes.io/instance-type": "type",
    "topology.kubernetes.io/zone": "zone", "failure-domain.beta.kubernetes.io/zone": "zone",
    "topology.kubernetes.io/region": "region", "failure-domain.beta.kubernetes.io/region": "region",
}  # fmt: skip


class TestNodeController:
    """Nodes are described once, and kept true."""

    async def test_n1_a_new_node_is_described_and_freed(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", provider_id="", taints=[TAINT, OTHER])
        async with stage.running(NODE):
            node, instance = stage.harness.node("n1"), stage.describe(ref)
            assert node["spec"]["providerID"] == instance.provider_id
            assert node["spec"]["taints"] == [OTHER]
            wanted = {label: getattr(instance, field) for label, field in LABELS.items() if getattr(instance, field)}
            assert wanted.items() <= (node["metadata"].get("labels") or {}).items()
            shown = [(entry["type"], entry["address"]) for entry in node["status"]["addresses"]]
            assert [(entry.type, entry.address) for entry in instance.addresses] == shown[: len(instance.addresses)]
            assert ("Normal", "Synced") in stage.harness.events("n1")

    async def test_n2_a_described_node_costs_nothing_when_it_changes(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1")
        async with stage.running(NODE):
            calls, writes = stage.count("describe"), len(stage.harness.writes())
            await stage.client.patch(NODES, "n1", {"metadata": {"labels": {"a": "b"}}})
            await stage.harness.settle()
            assert stage.count("describe") == calls
            assert len(stage.harness.writes()) == writes + 1

    async def test_n3_an_error_keeps_the_taint_and_is_retried_later_and_later(self, world: World) -> None:
        stage, times = Stage(world, "instances"), list[float]()
        stage.start("n1", provider_id="", taints=[TAINT])
        stage.calls.answer("describe", *[CloudError("throttled")] * 11)
        stage.calls.on_call = lambda call: times.append(world.clock.monotonic()) if call.argument else None
        async with stage.harness.running(NODE):
            assert stage.harness.node("n1")["spec"]["taints"] == [TAINT]
            await stage.settle(30)
            assert "taints" not in stage.harness.node("n1")["spec"]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times[3:11])]
        assert gaps == sorted(gaps)

    async def test_n4_a_node_that_the_cloud_does_not_know_is_left_alone(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.client.add(make_node("stranger", taints=[TAINT]))
        async with stage.running(NODE):
            assert stage.harness.writes() == []

    async def test_n5_a_provider_id_is_never_changed(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", taints=[TAINT])
        async with stage.running(NODE):
            assert stage.harness.node("n1")["spec"] == {"providerID": ref.provider_id}

    async def test_n6_without_a_provider_id_the_taint_stays(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", provider_id="", taints=[TAINT])
        nameless = replace(stage.describe(ref), provider_id="")
        stage.calls.answer("describe", *[{"n1": nameless}] * 40)
        async with stage.harness.running(NODE):
            assert stage.harness.node("n1")["spec"] == {"taints": [TAINT]}

    async def test_n7_reserved_labels_are_dropped_and_the_users_are_kept(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", provider_id="", taints=[TAINT], labels={"example.com/rack": "mine"})
        more = {"topology.k8s.io/rack": "r", "kubernetes.io/x": "y", "example.com/rack": "r7", "example.com/row": "2"}
        stage.calls.answer("describe", *[{"n1": replace(stage.describe(ref), labels=more)}] * 40)
        async with stage.harness.running(NODE):
            labels = stage.harness.node("n1")["metadata"]["labels"]
            assert (labels["example.com/rack"], labels["example.com/row"]) == ("mine", "2")
            assert not {"topology.k8s.io/rack", "kubernetes.io/x"} & labels.keys()

    async def test_n8_the_kubelets_address_goes_first(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = world.start_instance("n1")
        own = next(entry.address for entry in stage.describe(ref).addresses if entry.type == "InternalIP")
        stage.client.add(make_node("n1", taints=[TAINT], addresses=addresses(ref), annotations={PROVIDED: own}))
        async with stage.running(NODE):
            first = stage.harness.node("n1")["status"]["addresses"][0]
            assert first == {"type": "InternalIP", "address": own}

    async def test_n8_an_address_that_the_cloud_does_not_know_keeps_the_taint(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1", provider_id="", taints=[TAINT], annotations={PROVIDED: "192.0.2.99"})
        async with stage.running(NODE):
            assert stage.harness.node("n1")["spec"]["taints"] == [TAINT]

    async def test_n9_the_kubelets_hostname_stays_when_the_cloud_has_none(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = world.start_instance("n1")
        instance = stage.describe(ref)
        without = tuple(entry for entry in instance.addresses if entry.type != "Hostname")
        stage.calls.answer("describe", *[{"n1": replace(instance, addresses=without)}] * 40)
        known = [*addresses(ref), ("Hostname", "n1.local")]
        stage.client.add(make_node("n1", taints=[TAINT], addresses=known))
        async with stage.harness.running(NODE):
            shown = stage.harness.node("n1")["status"]["addresses"]
            assert shown[-1] == {"type": "Hostname", "address": "n1.local"}

    async def test_n10_what_has_not_changed_is_not_written(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1", provider_id="", taints=[TAINT])
        async with stage.running(NODE):
            stage.client.actions.clear()
            await stage.harness.settle(1000)
            assert stage.harness.writes() == []
            assert stage.count("describe") >= 3

    async def test_n10_two_addresses_of_one_type_are_not_a_change(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = world.start_instance("n1")
        both = (NodeAddress("InternalIP", "10.0.0.5"), NodeAddress("InternalIP", "2001:db8::5"))
        stage.calls.answer("describe", *[{"n1": replace(stage.describe(ref), addresses=both)}] * 40)
        stage.client.add(make_node("n1", provider_id="", taints=[TAINT]))
        async with stage.harness.running(NODE):
            stage.client.actions.clear()
            await stage.harness.settle(1000)
            assert stage.harness.writes() == []

    async def test_n11_a_ga_label_follows_its_beta_label(self, world: World) -> None:
        stage = Stage(world, "instances")
        labels = {"failure-domain.beta.kubernetes.io/zone": "z", "topology.kubernetes.io/zone": "wrong"}
        stage.client.add(make_node("other", provider_id="elsewhere://1", labels=labels))
        async with stage.running(NODE):
            assert stage.harness.node("other")["metadata"]["labels"]["topology.kubernetes.io/zone"] == "z"

    async def test_n12_conflicts_are_overcome(self, world: World) -> None:
        stage, left = Stage(world, "instances"), iter([True, True, True])

        def refuse(action: Action) -> None:
            if action.verb == "update" and next(left, False):
                raise Conflict("somebody else wrote")

        stage.client.on(refuse)
        stage.start("n1", provider_id="", taints=[TAINT])
        async with stage.running(NODE):
            assert "taints" not in stage.harness.node("n1")["spec"]

    async def test_n13_many_new_nodes_share_their_calls(self, world: World) -> None:
        stage = Stage(world, "instances")
        for number in range(24):
            stage.start(f"n{number}", provider_id="", taints=[TAINT])
        async with stage.running(NODE):
            assert not any("taints" in node["spec"] for node in stage.client.all(NODES))
            batch = stage.harness.clouds[0].instances.capabilities.batch or 24  # type: ignore[union-attr]
            size = min(batch, stage.harness.settings.concurrent_node_syncs)
            assert stage.count("describe") <= 2 + -(-24 // size)
