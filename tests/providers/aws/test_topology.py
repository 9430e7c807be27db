"""Places of instances in AWS's network: asked for once, and not where AWS does not tell."""

from __future__ import annotations

from typing import Any

from cloudk8s.plugin import CloudError, CloudForbidden, NodeRef
from cloudk8s_aws.instances.contract import AwsInstances
from cloudk8s_aws.instances.topology import LAYER, OFF_SECONDS, Topology
from cloudk8s_aws.testing import AwsWorld


class FakeApi:
    """Answers for every instance, unless it is told to fail."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.error: CloudError | None = None

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        assert (service, operation) == ("ec2", "describe_instance_topology")
        self.calls.append(parameters["InstanceIds"])
        if self.error is not None:
            raise self.error
        entries = [{"InstanceId": id, "NetworkNodes": ["nn-1", "nn-2", f"nn-{id}"]} for id in parameters["InstanceIds"]]
        return {"Instances": entries}


def topology(api: FakeApi, now: list[float] | None = None) -> Topology:
    return Topology(api, monotonic=lambda: (now or [0.0])[0])  # type: ignore[arg-type]


def test_places_are_labels_and_asked_for_once() -> None:
    api = FakeApi()
    places = topology(api)
    types = {"i-1": "p5.48xlarge", "i-2": "trn1.32xlarge", "i-3": "m5.large"}
    assert places.labels(types)["i-1"] == {f"{LAYER}1": "nn-1", f"{LAYER}2": "nn-2", f"{LAYER}3": "nn-i-1"}
    assert set(places.labels(types)) == {"i-1", "i-2"}
    assert api.calls == [["i-1", "i-2"]]


def test_ordinary_instances_cost_nothing() -> None:
    api = FakeApi()
    assert topology(api).labels({"i-1": "m5.large", "i-2": "c7g.large"}) == {}
    assert api.calls == []


def test_without_permission_it_is_left_alone_for_a_day() -> None:
    api, now = FakeApi(), [0.0]
    places, api.error = topology(api, now), CloudForbidden("no")
    assert places.labels({"i-1": "p5.48xlarge"}) == {}
    api.error = None
    assert places.labels({"i-1": "p5.48xlarge"}) == {}
    now[0] = OFF_SECONDS
    assert set(places.labels({"i-1": "p5.48xlarge"})) == {"i-1"}


def test_an_error_is_tried_again_and_hurts_nobody() -> None:
    api = FakeApi()
    places, api.error = topology(api), CloudError("throttled")
    assert places.labels({"i-1": "p5.48xlarge"}) == {}
    api.error = None
    assert set(places.labels({"i-1": "p5.48xlarge"})) == {"i-1"}


def test_nodes_show_where_they_are(world: AwsWorld) -> None:
    node = world.start_instance("n1")
    aws, api = world.aws(), FakeApi()
    ids = node.provider_id.rpartition("/")[2]
    world.raw("ec2").stop_instances(InstanceIds=[ids])
    world.raw("ec2").modify_instance_attribute(InstanceId=ids, InstanceType={"Value": "p5.48xlarge"})
    world.raw("ec2").start_instances(InstanceIds=[ids])
    instances = AwsInstances(
        aws.inventory, aws.zones, region="us-east-1", cluster=world.cluster, families=["ipv4"], topology=topology(api)
    )
    found = instances.describe([NodeRef("n1", provider_id=node.provider_id)])["n1"]
    assert found.labels[f"{LAYER}1"] == "nn-1"
    assert "topology.k8s.aws/zone-id" in found.labels
