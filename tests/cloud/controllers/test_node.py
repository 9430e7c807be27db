"""The node controller: checks N1–N13 of the cloud controller behaviours."""

from __future__ import annotations

import itertools

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import NODE
from cloudk8s.cloud.model.instance import Instance, InstanceCapabilities, NodeAddress
from cloudk8s.errors import CloudError, Conflict
from cloudk8s.testing.cloud_harness import CloudHarness, make_node
from cloudk8s.testing.fake_client import Action
from cloudk8s.testing.recording_cloud import RecordingInstances

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
OTHER = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
IP = NodeAddress("InternalIP", "10.0.0.5")
EXTERNAL = NodeAddress("ExternalIP", "203.0.113.5")
INSTANCE = Instance(
    provider_id="fake://i-1", type="m5.large", zone="eu-1a", region="eu-1", addresses=(IP, EXTERNAL),
    matched_by="name",
)  # fmt: skip


@pytest.fixture
def instances() -> RecordingInstances:
    return RecordingInstances({"n1": INSTANCE})


@pytest.fixture
def harness(instances: RecordingInstances) -> CloudHarness:
    harness = CloudHarness()
    harness.attach(instances=instances)
    return harness


async def test_n1_a_tainted_node_is_described_and_freed(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", taints=[TAINT, OTHER], ready=False))
    async with harness.running(NODE):
        node = harness.node("n1")
    assert node["spec"] == {"providerID": "fake://i-1", "taints": [OTHER]}
    assert node["metadata"]["labels"] == {
        "beta.kubernetes.io/instance-type": "m5.large",
        "node.kubernetes.io/instance-type": "m5.large",
        "failure-domain.beta.kubernetes.io/zone": "eu-1a",
        "topology.kubernetes.io/zone": "eu-1a",
        "failure-domain.beta.kubernetes.io/region": "eu-1",
        "topology.kubernetes.io/region": "eu-1",
    }
    assert [entry["address"] for entry in node["status"]["addresses"]] == ["10.0.0.5", "203.0.113.5"]
    assert harness.events("n1") == [("Normal", "Synced")]


async def test_addresses_are_written_before_the_taint_goes(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        assert [(action.verb, action.subresource) for action in harness.writes()] == [
            ("patch", "status"),
            ("update", ""),
        ]


async def test_n2_an_initialised_node_costs_no_call_when_it_changes(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    harness.client.add(make_node("n2", provider_id="fake://i-2"))
    async with harness.running(NODE):
        before = len(instances.recorder.calls)
        await harness.client.patch(NODES, "n2", {"metadata": {"labels": {"a": "b"}}})
        await harness.settle()
        assert len(instances.recorder.calls) == before
        assert len(harness.writes()) == 1


async def test_n3_an_error_keeps_the_taint_and_is_retried_with_growing_delay(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    harness.client.add(make_node("n1", taints=[TAINT]))
    times: list[float] = []
    instances.recorder.on_call = lambda call: times.append(harness.clock.monotonic()) if call.argument else None
    instances.recorder.answer("describe", *[CloudError("throttled")] * 11)
    async with harness.running(NODE):
        await harness.settle(4)
        assert TAINT in harness.node("n1")["spec"]["taints"]
        await harness.settle(30)
        assert "taints" not in harness.node("n1")["spec"]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[3:])]
    assert gaps == sorted(gaps)


async def test_n4_a_node_that_no_cloud_knows_is_left_alone(harness: CloudHarness) -> None:
    harness.client.add(make_node("stranger", taints=[TAINT]))
    async with harness.running(NODE):
        await harness.settle(60)
        assert harness.writes() == []


async def test_n5_a_provider_id_is_never_changed(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", taints=[TAINT], provider_id="fake://mine"))
    async with harness.running(NODE):
        assert harness.node("n1")["spec"]["providerID"] == "fake://mine"


async def test_n6_without_a_provider_id_the_taint_stays(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance(type="m5.large", addresses=(IP,))
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        assert harness.node("n1")["spec"]["taints"] == [TAINT]
        assert harness.writes() == []


async def test_n7_reserved_labels_are_dropped_and_the_users_are_kept(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    labels = {"topology.k8s.io/rack": "r", "kubernetes.io/x": "y", "example.com/rack": "r7", "example.com/row": "2"}
    instances.instances["n1"] = Instance(provider_id="fake://i-1", labels=labels)
    harness.client.add(make_node("n1", taints=[TAINT], labels={"example.com/rack": "mine"}))
    async with harness.running(NODE):
        assert harness.node("n1")["metadata"]["labels"] == {"example.com/rack": "mine", "example.com/row": "2"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("203.0.113.5", ["203.0.113.5", "10.0.0.5", "10.0.0.6", "2001:db8::1"]),
        ("10.0.0.6", ["10.0.0.6", "203.0.113.5"]),
        ("10.0.0.6,2001:db8::1", ["10.0.0.6", "2001:db8::1", "203.0.113.5"]),
        ("10.0.0.6,2001:0db8:0::1", ["10.0.0.6", "2001:db8::1", "203.0.113.5"]),
    ],
)
async def test_n8_the_kubelets_address_goes_first_and_owns_its_type(
    harness: CloudHarness, instances: RecordingInstances, given: str, shown: list[str]
) -> None:
    more = (NodeAddress("InternalIP", "10.0.0.6"), NodeAddress("InternalIP", "2001:db8::1"))
    instances.instances["n1"] = Instance(provider_id="fake://i-1", addresses=(IP, EXTERNAL, *more))
    annotations = {"alpha.kubernetes.io/provided-node-ip": given}
    harness.client.add(make_node("n1", taints=[TAINT], annotations=annotations))
    async with harness.running(NODE):
        assert [entry["address"] for entry in harness.node("n1")["status"]["addresses"]] == shown


async def test_n8_an_address_that_the_cloud_does_not_know_keeps_the_taint(harness: CloudHarness) -> None:
    annotations = {"alpha.kubernetes.io/provided-node-ip": "192.0.2.99"}
    harness.client.add(make_node("n1", taints=[TAINT], annotations=annotations))
    async with harness.running(NODE):
        assert harness.node("n1")["spec"]["taints"] == [TAINT]


async def test_n9_the_kubelets_hostname_stays_when_the_cloud_has_none(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", taints=[TAINT], addresses=[("Hostname", "n1.local")]))
    async with harness.running(NODE):
        assert harness.node("n1")["status"]["addresses"][-1] == {"type": "Hostname", "address": "n1.local"}


async def test_n10_unchanged_dual_stack_addresses_are_not_written(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    six = NodeAddress("InternalIP", "2001:db8::5")
    instances.instances["n1"] = Instance(provider_id="fake://i-1", addresses=(IP, six))
    addresses = [("InternalIP", "10.0.0.5"), ("InternalIP", "2001:db8::5")]
    harness.client.add(make_node("n1", provider_id="fake://i-1", addresses=addresses))
    async with harness.running(NODE):
        await harness.settle(1000)
        assert harness.writes() == []


async def test_n11_a_ga_label_follows_its_beta_label(harness: CloudHarness) -> None:
    labels = {"failure-domain.beta.kubernetes.io/zone": "z", "topology.kubernetes.io/zone": "wrong"}
    harness.client.add(make_node("other", provider_id="else://1", labels=labels))
    async with harness.running(NODE):
        assert harness.node("other")["metadata"]["labels"]["topology.kubernetes.io/zone"] == "z"


async def test_n12_conflicts_are_overcome(harness: CloudHarness) -> None:
    left = iter([True, True, True])

    def refuse(action: Action) -> None:
        if action.verb == "update" and next(left, False):
            raise Conflict("somebody else wrote")

    harness.client.on(refuse)
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        assert "taints" not in harness.node("n1")["spec"]


async def test_n13_a_hundred_new_nodes_share_their_calls(harness: CloudHarness, instances: RecordingInstances) -> None:
    for number in range(100):
        name = f"node-{number:03}"
        instances.instances[name] = Instance(provider_id=f"fake://{name}", addresses=(IP,))
        harness.client.add(make_node(name, taints=[TAINT]))
    async with harness.running(NODE):
        await harness.settle(30)
        assert all("taints" not in node["spec"] for node in harness.client.all(NODES))
        assert len(instances.recorder.calls) <= 1 + -(-100 // harness.settings.concurrent_node_syncs)


async def test_n13_a_refresh_of_a_thousand_nodes_costs_one_call_per_batch(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    instances.capabilities = InstanceCapabilities(batch=500)
    for number in range(1000):
        harness.client.add(make_node(f"node-{number}", provider_id=f"fake://{number}"))
    async with harness.running(NODE):
        assert len(instances.recorder.calls) == 2
        assert harness.writes() == []


async def test_labels_follow_a_resize(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance(provider_id="fake://i-1", type="small", labels={"example.com/rack": "1"})
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        instances.instances["n1"] = Instance(provider_id="fake://i-1", type="large", labels={"example.com/rack": "2"})
        await harness.settle(301)
        labels = harness.node("n1")["metadata"]["labels"]
        assert labels["node.kubernetes.io/instance-type"] == "large"
        assert labels["example.com/rack"] == "2"


async def test_an_empty_answer_never_clears_addresses(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance(provider_id="fake://i-1")
    harness.client.add(make_node("n1", provider_id="fake://i-1", addresses=[("InternalIP", "10.0.0.5")]))
    async with harness.running(NODE):
        assert harness.writes() == []


async def test_two_clouds_describe_their_own_nodes() -> None:
    harness = CloudHarness()
    one, two = RecordingInstances({"a": INSTANCE}), RecordingInstances({"b": Instance(provider_id="two://b")})
    harness.attach("one", instances=one)
    harness.attach("two", instances=two)
    harness.client.add(make_node("a", taints=[TAINT], provider_id="one://i-1"))
    harness.client.add(make_node("b", taints=[TAINT]))
    async with harness.running(NODE):
        await harness.settle(5)
        assert harness.node("b")["spec"]["providerID"] == "two://b"
        assert "taints" not in harness.node("a")["spec"]
    assert all(ref.name == "b" for refs in two.recorder.arguments("describe") for ref in refs)


async def test_conflicts_are_tried_twenty_times_with_pauses_in_between(harness: CloudHarness) -> None:
    refused: list[float] = []

    def refuse(action: Action) -> None:
        if action.verb == "update":
            refused.append(harness.clock.monotonic())
            raise Conflict("somebody else wrote")

    harness.client.on(refuse)
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        await harness.settle(0.1)
        pauses = [after - before for before, after in itertools.pairwise(refused[:20])]
        assert len(pauses) == 19
        assert all(0.05 <= pause <= 0.1 for pause in pauses)
        assert "taints" in harness.node("n1")["spec"]


async def test_events_come_from_upstreams_component(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", taints=[TAINT]))
    async with harness.running(NODE):
        assert harness.event_sources("n1") == {"cloud-node-controller"}
