"""Pools whose machines EC2 Auto Scaling keeps."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.state import look, look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from tests.provisioning.aws.harness import AwsCloud, declaration


def pool(replicas: int, **fields: Any) -> ClusterDeclaration:
    return declaration(pools=[{"replicas": replicas, "scalingGroup": True, **fields}])


def groups(cloud: AwsCloud) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = cloud.world.raw("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return found


def members(cloud: AwsCloud) -> list[str]:
    return [entry["InstanceId"] for group in groups(cloud) for entry in group["Instances"]]


def planned(cloud: AwsCloud, wanted: ClusterDeclaration) -> Counter[str]:
    site = cloud.site()
    state = look(site)
    plan = plan_cluster(site, settled(site, wanted, state), state)
    assert plan.calls is not None
    cloud.world.faults.forget()
    return Counter(plan.calls)


def test_a_pool_is_one_template_and_one_group(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(3))
    (group,) = groups(cloud)
    assert (group["DesiredCapacity"], len(group["Instances"]), group["MinSize"]) == (3, 3, 0)
    assert group["NewInstancesProtectedFromScaleIn"]
    assert Counter(cloud.mutations)["RunInstances"] == 1, "the control plane's"
    assert Counter(cloud.mutations)["CreateAutoScalingGroup"] == 1
    state = look(cloud.site())
    workers = [view for view in state.machines if view.group == "workers"]
    assert all(view.name == f"{group['AutoScalingGroupName']}-{view.machine.id.removeprefix('i-')}" for view in workers)
    assert {view.machine.cluster for view in workers} == {"demo"}


def test_its_template_is_what_a_machine_by_itself_would_be(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(1, type="m7i.large", rootVolumeGiB=40, spot=True))
    ec2 = cloud.world.raw("ec2")
    name = ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateName"]
    versions = ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]
    data = versions[0]["LaunchTemplateData"]
    assert data["InstanceType"] == "m7i.large"
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["InstanceMarketOptions"]["MarketType"] == "spot"
    assert data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 40
    script = base64.b64decode(data["UserData"]).decode()
    assert '"names":"demo-workers-' in script
    assert '-*"' in script


def test_scaling_changes_the_group_and_takes_the_surplus_out_of_it(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(3))
    first = set(members(cloud))
    converge(cloud.site(), pool(5))
    assert first < set(members(cloud))
    converge(cloud.site(), pool(1))
    (group,) = groups(cloud)
    assert (group["DesiredCapacity"], len(group["Instances"])) == (1, 1)
    assert len(cloud.instances()) == 2
    converge(cloud.site(), pool(0))
    assert groups(cloud) == []
    assert len(cloud.instances()) == 1


def test_another_template_rolls_the_pool_within_its_bounds(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(3))
    before = set(members(cloud))
    converge(cloud.site(), pool(3, type="m7i.large"))
    (group,) = groups(cloud)
    assert len(group["Instances"]) == 3
    assert not before & set(members(cloud))
    assert len(cloud.world.raw("ec2").describe_launch_templates()["LaunchTemplates"]) == 1
    events = [event for event in cloud.events if event.subject.startswith(("autoscaling", "machine/demo-workers"))]
    assert any("is replaced: what it is made of has changed" in event.detail for event in events)


def test_applying_again_changes_nothing(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(2))
    cloud.world.faults.forget()
    converge(cloud.site(), pool(2))
    assert cloud.mutations == []


def test_drift_of_the_group_is_mended(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(2))
    (group,) = groups(cloud)
    ids = members(cloud)
    cloud.world.raw("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True
    )
    cloud.world.raw("ec2").terminate_instances(InstanceIds=ids)  # the emulator spares those protected from scale-in
    converge(cloud.site(), pool(2))
    assert len(groups(cloud)) == 1
    assert len(cloud.instances()) == 3


STAGES = {
    "create": pool(3), "grow": pool(6), "shrink": pool(2),
    "roll": pool(2, type="m7i.large", rollout={"maxSurge": 1}), "to machines": declaration(pools=[{"replicas": 2}]),
    "back": pool(2), "none": pool(0), "again": pool(25), "fewer": pool(1),
}  # fmt: skip


def test_the_plan_is_the_calls_then_made(cloud: AwsCloud) -> None:
    for name, wanted in STAGES.items():
        expected = planned(cloud, wanted)
        assert expected, name
        converge(cloud.site(), wanted)
        assert Counter(cloud.mutations) == expected, name
        assert not planned(cloud, wanted), name
    site = cloud.site()
    plan = plan_deletion(site, look_to_delete(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert plan.calls is not None
    assert Counter(cloud.mutations) == Counter(plan.calls)
    assert not cloud.world.left()


def test_the_plan_names_groups_and_their_machines(cloud: AwsCloud) -> None:
    site = cloud.site()
    state = look(site)
    plan = plan_cluster(site, settled(site, pool(3), state), state)
    lines = "\n".join(plan.lines())
    assert "create autoscaling-group" in lines
    assert "create 3 machines demo-workers" in lines
    assert plan.cost is not None
    assert {item.what: item.count for item in plan.cost.items}["machine of the default type"] == 4


def test_a_thousand_machines_take_two_calls(cloud: AwsCloud) -> None:
    converge(cloud.site(), pool(0))
    cloud.world.faults.forget()
    converge(cloud.site(), pool(100))
    assert Counter(cloud.mutations) == {"CreateTags": 1, "CreateLaunchTemplate": 1, "CreateAutoScalingGroup": 1}


def test_names_stay_names_of_nodes() -> None:
    for length, fits in ((33, True), (34, False)):
        fields = {"pools": [{"name": "batch", "scalingGroup": True}]}
        if fits:
            declaration("c" * length, **fields)
        else:
            with pytest.raises(SettingsError, match="longer than 38 together"):
                declaration("c" * length, **fields)


def test_methods_with_user_data_for_each_machine_are_refused(cloud: AwsCloud) -> None:
    cloud.boots = True
    wanted = declaration(bootstrap={"method": "kubeadm"}, pools=[{"replicas": 1, "scalingGroup": True}])
    with pytest.raises(SettingsError, match=r"pools\.scalingGroup: bootstrap method kubeadm"):
        converge(cloud.site(), wanted)
    assert not cloud.world.left()
