"""What AWS says beforehand of spot machines: gathered, read, and the machines replaced."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.errors import TooManyRequests
from cloudk8s.provisioning.bootstrap.native import native
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.description import describe
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.interruptions import heed
from cloudk8s.provisioning.leaving import Leaving
from cloudk8s.provisioning.machines.view import INTERRUPTED, MachineView
from cloudk8s.provisioning.membership import Membership
from cloudk8s.provisioning.nodes.reading import state_of
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.simulation import next_decisions
from cloudk8s.provisioning.state import look, look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.cluster.policies import policy_of
from cloudk8s_aws.interruptions.messages import UNREADABLE, read_message
from cloudk8s_aws.interruptions.reading import interruptions_name
from cloudk8s_aws.interruptions.types import PATTERN
from cloudk8s_aws.permissions import policy
from tests.provisioning.aws.harness import AwsCloud, declaration
from tests.provisioning.aws.test_existing_network import Surroundings, within
from tests.provisioning.aws.test_faults import crash_everywhere
from tests.provisioning.aws.test_permissions import enforced
from tests.provisioning.objects.fake_api import FakeApi

SPOT = declaration(pools=[{"replicas": 2, "spot": True}])
PLAIN = declaration(pools=[{"replicas": 2}])
OURS = ["interruption-mark", "interruption-queue", "interruption-rule", "interruption-target"]
NAME = interruptions_name(cluster_uid("demo"))
WARNING, ADVICE, CHANGE = PATTERN["detail-type"][:3]


def parts(cloud: AwsCloud) -> list[str]:
    found = look(cloud.site()).observation.resources
    return sorted(entry.type for entry in found if entry.type.startswith("interruption-"))


def workers(cloud: AwsCloud) -> list[MachineView]:
    return [view for view in look(cloud.site()).machines if view.exists and view.machine.role == "worker"]


def happens(cloud: AwsCloud, kind: str, source: str = "aws.ec2", **detail: Any) -> None:
    """As EventBridge would send it."""
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
    cloud.world.raw("events").put_events(Entries=[entry])


def url(cloud: AwsCloud) -> str:
    return str(cloud.world.raw("sqs").get_queue_url(QueueName=NAME)["QueueUrl"])


def waiting(cloud: AwsCloud) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.world.raw("sqs").get_queue_attributes(QueueUrl=url(cloud), AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_only_clusters_with_spot_machines_have_a_queue_and_it_goes_with_the_last_of_these(cloud: AwsCloud) -> None:
    converge(cloud.site(), PLAIN)
    assert parts(cloud) == []
    for wanted, expected in ((SPOT, OURS), (SPOT, OURS), (PLAIN, [])):
        site = cloud.site()
        state = look(site)
        plan = plan_cluster(site, settled(site, wanted, state), state)
        cloud.world.faults.forget()
        converge(cloud.site(), wanted)
        made = Counter(call for call in cloud.mutations if call != "DeleteMessage")
        assert made == Counter(plan.calls)
        assert parts(cloud) == expected
    tear_down(cloud.site())
    assert not cloud.world.left()


def test_the_rule_alone_may_fill_the_queue(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    attributes = cloud.world.raw("sqs").get_queue_attributes(QueueUrl=url(cloud), AttributeNames=["All"])["Attributes"]
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    rule = cloud.world.raw("events").describe_rule(Name=NAME)
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule["Arn"]}}
    assert statement["Resource"] == attributes["QueueArn"]
    assert (attributes["MessageRetentionPeriod"], attributes["SqsManagedSseEnabled"]) == ("300", "true")


def test_what_somebody_changes_is_mended(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    sqs, events = cloud.world.raw("sqs"), cloud.world.raw("events")
    sqs.set_queue_attributes(QueueUrl=url(cloud), Attributes={"MessageRetentionPeriod": "60"})
    events.disable_rule(Name=NAME)
    events.remove_targets(Rule=NAME, Ids=["queue"])
    cloud.world.faults.forget()
    converge(cloud.site(), SPOT)
    assert sorted(cloud.mutations) == ["PutRule", "PutTargets", "SetQueueAttributes"]
    cloud.world.faults.forget()
    converge(cloud.site(), SPOT)
    assert cloud.mutations == []


def test_deletion_is_planned_and_takes_everything(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    site = cloud.site()
    plan = plan_deletion(site, look_to_delete(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert Counter(cloud.mutations) == Counter(plan.calls)
    assert not cloud.world.left()


def test_a_pool_of_spot_machines_takes_eight_calls_more_and_four_to_delete(cloud: AwsCloud) -> None:
    converge(
        cloud.site(),
        declaration(
            controlPlane={"replicas": 3}, network={"nat": "per-zone"}, pools=[{"replicas": 3, "spot": True}]
        ),
    )  # fmt: skip
    assert len(cloud.calls) <= 63 + 8
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert len(cloud.calls) <= 43 + 4


def test_in_a_network_of_others_the_control_planes_group_has_the_mark(cloud: AwsCloud) -> None:
    converge(cloud.site(), within(Surroundings(cloud).vpc, pools=[{"spot": True}]))
    assert parts(cloud) == OURS
    tear_down(cloud.site())
    assert not cloud.world.left()


@pytest.mark.parametrize("fields", [{}, {"scalingGroup": True}])
def test_a_spot_machine_that_is_taken_back_is_replaced_at_once(cloud: AwsCloud, fields: dict[str, Any]) -> None:
    wanted = declaration(pools=[{"replicas": 2, "spot": True, **fields}])
    converge(cloud.site(), wanted)
    first, second = workers(cloud)
    happens(cloud, WARNING, **{"instance-id": first.machine.id, "instance-action": "terminate"})
    cloud.world.faults.forget()
    converge(cloud.site(), wanted)
    now = {view.machine.id for view in workers(cloud)}
    assert len(now) == 2
    assert second.machine.id in now
    assert first.machine.id not in now
    assert waiting(cloud) == 0
    made = "UpdateAutoScalingGroup" if fields else "RunInstances"
    order = [call for call in cloud.mutations if call in (made, "CreateTags", "DeleteMessage", "TerminateInstances")]
    assert order == ["CreateTags", "DeleteMessage", made, "TerminateInstances"]


class Busy(FakeApi):
    """A node with a pod that a disruption budget protects."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self.name = node
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        self._keep(NODES, {"metadata": {"name": node}, "spec": {}, "status": ready})
        pod = {"name": "web", "namespace": "shop"}
        self._keep(PODS, {"metadata": pod, "spec": {"nodeName": node}, "status": {"phase": "Running"}})

    def create(self, resource: Resource, obj: Object, *, name: str = "", subresource: str = "") -> Object:
        raise TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.")

    @property
    def node(self) -> Object:
        return self.objects[NODES][self.name]


def test_its_node_is_closed_and_its_pods_asked_to_leave_while_another_machine_is_made(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    first, second = workers(cloud)
    happens(cloud, WARNING, **{"instance-id": first.machine.id})
    api, site = Busy(first.name), cloud.site()
    state = look(site)
    serving = [replace(first, node=state_of(api.node), needs_node=True), second]
    seen = heed(site, SPOT, serving)
    (decision,) = [
        entry
        for entry in next_decisions(settled(site, SPOT, state), seen, "", site.clock.now())
        if entry.group == "workers"
    ]
    assert len(decision.create) == 1
    leaving = Leaving(site, SPOT, native({}), Membership(), api)  # type: ignore[arg-type]
    ready, held = leaving.emptied([entry.machine for entry in decision.delete])
    assert (ready, list(held.values())) == ([], [f"a disruption budget keeps shop/web on {first.name}"])
    assert api.node["spec"]["unschedulable"]


def test_the_mark_outlives_whoever_read_the_message(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    first, _ = workers(cloud)
    happens(cloud, WARNING, **{"instance-id": first.machine.id})
    heed(cloud.site(), SPOT, workers(cloud))
    assert waiting(cloud) == 0
    site = cloud.site()
    state = look(site)
    shown = {entry["name"]: entry.get("interrupted") for entry in describe(site, state)["machines"]}
    assert shown[first.name] == "AWS takes the spot instance back (terminate)"
    assert sum(text is not None for text in shown.values()) == 1
    steps = plan_cluster(site, settled(site, SPOT, state), state).machines
    assert [(step.action, len(step.names)) for step in steps] == [("create", 1), ("delete", 1)]
    assert first.name in steps[1].names


def test_advice_news_and_messages_about_others_are_forgotten(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    before = workers(cloud)
    happens(cloud, ADVICE, **{"instance-id": before[0].machine.id})
    happens(cloud, CHANGE, **{"instance-id": before[0].machine.id, "state": "running"})
    happens(cloud, WARNING, **{"instance-id": "i-0123456789abcdef0"})
    cloud.world.raw("sqs").send_message(QueueUrl=url(cloud), MessageBody="no JSON")
    assert waiting(cloud) == 4
    cloud.world.faults.forget()
    converge(cloud.site(), SPOT)
    assert waiting(cloud) == 0
    assert list(cloud.mutations) == ["DeleteMessage"] * 4
    assert not any(INTERRUPTED in view.machine.tags for view in workers(cloud))
    told = [event.detail for event in cloud.events if event.subject == f"machine {before[0].name}"]
    assert told == ["AWS may soon take the spot instance back"]


def test_a_control_plane_is_told_of_and_stays(cloud: AwsCloud) -> None:
    converge(cloud.site(), SPOT)
    (first,) = [view for view in look(cloud.site()).machines if view.machine.role == "control-plane"]
    happens(
        cloud, "AWS Health Event", "aws.health", service="EC2", eventTypeCategory="scheduledChange",
        eventTypeCode="AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", affectedEntities=[{"entityValue": first.machine.id}],
    )  # fmt: skip
    converge(cloud.site(), SPOT)
    assert first.machine.id in cloud.instances()
    assert any("RETIREMENT" in event.detail for event in cloud.events)


def test_planned_changes_of_instances_are_final_and_other_news_of_health_are_not() -> None:
    body = {
        "detail-type": "AWS Health Event", "source": "aws.health",
        "detail": {
            "service": "EC2", "eventTypeCategory": "scheduledChange", "eventTypeCode": "AWS_EC2_MAINTENANCE_SCHEDULED",
            "affectedEntities": [{"entityValue": "i-1"}, {"entityValue": "i-2"}, {"entityValue": "vol-1"}],
        },
    }  # fmt: skip
    found = read_message("r", json.dumps(body))
    assert (found.machines, found.is_final) == (("i-1", "i-2"), True)
    body["detail"]["eventTypeCategory"] = "issue"  # type: ignore[index]
    assert not read_message("r", json.dumps(body)).is_final
    assert read_message("r", "[]").what == UNREADABLE


def test_a_life_with_spot_machines_passes_with_the_policies_enforced(
    cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with enforced(cloud, policy(), monkeypatch):
        converge(cloud.site(), SPOT)
        first, _ = workers(cloud)
        happens(cloud, WARNING, **{"instance-id": first.machine.id})
        cloud.world.raw("sqs").set_queue_attributes(QueueUrl=url(cloud), Attributes={"MessageRetentionPeriod": "60"})
        converge(cloud.site(), SPOT)
        assert first.machine.id not in cloud.instances()
        converge(cloud.site(), PLAIN)
        converge(cloud.site(), SPOT)
        tear_down(cloud.site())
    assert not cloud.world.left()
    named = {action.partition(":")[2] for statement in policy()["Statement"] for action in statement["Action"]}
    assert set(cloud.calls) - {"GetCallerIdentity"} <= named
    own = policy_of("control-plane", self_managed=True)["Statement"]
    assert any("sqs:ReceiveMessage" in statement["Action"] for statement in own)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("before", "wanted"), [(None, SPOT), (PLAIN, SPOT), (SPOT, PLAIN), (SPOT, None)])
def test_a_crash_leaves_no_queue_behind(cloud: AwsCloud, before: Any, wanted: Any) -> None:
    crash_everywhere(cloud, before, wanted, 1, 2)
