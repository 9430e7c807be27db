"""What workloads made in the account goes with the cluster, but for data that is to be kept."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.cloud.model.leftover import Leftover
from cloudk8s.errors import RetryLater
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.inheritance import inheritance
from cloudk8s.provisioning.leftovers import fates_of
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.preflight import preflight
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from tests.provisioning.aws.harness import AwsCloud, declaration

OWNED = {"kubernetes.io/cluster/demo": "owned"}
DRIVER = {
    **OWNED,
    "ebs.csi.aws.com/cluster": "true",
    "CSIVolumeName": "pvc-1",
    "kubernetes.io/created-for/pv/name": "pvc-1",
}
CONTROLLER = {"elbv2.k8s.aws/cluster": "demo", "service.k8s.aws/stack": "default/web"}


@pytest.fixture
def used(cloud: AwsCloud) -> AwsCloud:
    converge(cloud.site(), declaration())
    return cloud


def whole(cloud: AwsCloud) -> Site:
    """As for machines that ran: whose workloads may have made something."""
    cloud.boots = True
    return cloud.site()


def specification(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def volume(cloud: AwsCloud, tags: dict[str, str]) -> str:
    ec2 = cloud.world.raw("ec2")
    zone = {"AvailabilityZone": "us-east-1a", "Size": 1}
    return str(ec2.create_volume(**zone, TagSpecifications=specification("volume", tags))["VolumeId"])


def within(cloud: AwsCloud) -> tuple[str, list[str]]:
    """The cluster's network and its subnets."""
    resources = look(cloud.site()).observation.resources
    return next(e.id for e in resources if e.type == "vpc"), [e.id for e in resources if e.type == "subnet"]


def test_volumes_and_snapshots_of_drivers_go_with_the_cluster(used: AwsCloud) -> None:
    made = volume(used, DRIVER)
    snapshot = {**OWNED, "CSIVolumeSnapshotName": "snapshot-1"}
    used.world.raw("ec2").create_snapshot(VolumeId=made, TagSpecifications=specification("snapshot", snapshot))
    tear_down(whole(used))
    assert not used.world.left()
    assert [e for e in used.events if e.subject == f"volume {made} (pvc-1)" and e.kind == "deleted"]


def test_data_that_is_to_be_kept_stays_and_is_named(used: AwsCloud) -> None:
    kept, gone = volume(used, DRIVER), volume(used, DRIVER)
    whole(used).networks.write_down("demo", {kept: "keep", gone: "delete", "vol-0": "delete", "fs-1": "delete"})  # type: ignore[union-attr]
    planned = inheritance(whole(used), "declared")
    assert (planned.going, planned.kept) == ((f"volume {gone} (pvc-1)",), (f"volume {kept} (pvc-1)",))
    assert inheritance(whole(used), "all").kept == ()
    tear_down(whole(used))
    assert used.world.left() == [kept]
    assert used.events[-1].detail == f"is gone; what stays: volume {kept} (pvc-1)"
    tear_down(whole(used), consent="all")
    assert not used.world.left()


def test_data_that_was_kept_does_not_stand_in_the_way_of_another_cluster_of_the_name(cloud: AwsCloud) -> None:
    volume(cloud, DRIVER)
    site = cloud.site()
    state = look(site)
    found = preflight(site, settled(site, declaration(), state), state)
    assert not [each for each in found if each.check == "name"]


def test_no_data_goes_without_consent(used: AwsCloud) -> None:
    made = volume(used, DRIVER)
    tear_down(whole(used), consent="none")
    assert used.world.left() == [made]


def test_volumes_that_carry_no_tag_of_the_cluster_are_known_by_its_api(used: AwsCloud) -> None:
    made = volume(used, {"CSIVolumeName": "pvc-2", "ebs.csi.aws.com/cluster": "true"})
    other = volume(used, {"CSIVolumeName": "pvc-3", "ebs.csi.aws.com/cluster": "true"})
    whole(used).networks.write_down("demo", {made: "delete"})  # type: ignore[union-attr]
    tear_down(whole(used))
    assert used.world.left() == [other], "another cluster's"


def test_others_load_balancers_their_groups_and_interfaces_go_too(used: AwsCloud) -> None:
    vpc, subnets = within(used)
    ec2, elbv2 = used.world.raw("ec2"), used.world.raw("elbv2")
    tags = [{"Key": key, "Value": value} for key, value in CONTROLLER.items()]
    group = ec2.create_security_group(
        GroupName="k8s-web", Description="x", VpcId=vpc, TagSpecifications=specification("security-group", CONTROLLER)
    )["GroupId"]
    own = {"Protocol": "TCP", "Port": 80, "VpcId": vpc}
    elbv2.create_target_group(Name="k8s-web", **own, Tags=tags)
    elbv2.create_load_balancer(Name="k8s-web", Type="network", Subnets=subnets[:1], SecurityGroups=[group], Tags=tags)
    ec2.create_network_interface(SubnetId=subnets[0], TagSpecifications=specification("network-interface", OWNED))
    used.world.raw("elb").create_load_balancer(
        LoadBalancerName="classic", Subnets=subnets[:1], SecurityGroups=[group],
        Tags=[{"Key": key, "Value": text} for key, text in OWNED.items()],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 30080}],
    )  # fmt: skip
    tear_down(whole(used))
    assert not used.world.left()
    assert not used.world.raw("elb").describe_load_balancers()["LoadBalancerDescriptions"]


def test_what_holds_on_to_the_network_is_looked_for_also_where_no_machine_runs(used: AwsCloud) -> None:
    vpc, _ = within(used)
    used.world.raw("ec2").create_security_group(
        GroupName="k8s-web", Description="x", VpcId=vpc, TagSpecifications=specification("security-group", CONTROLLER)
    )
    tear_down(used.site())
    assert not used.world.left()


def test_groups_that_name_each_other_are_parted(used: AwsCloud) -> None:
    vpc, _ = within(used)
    ec2 = used.world.raw("ec2")
    ids = [
        ec2.create_security_group(
            GroupName=f"k8s-{name}", Description="x", VpcId=vpc,
            TagSpecifications=specification("security-group", CONTROLLER),
        )["GroupId"]
        for name in "ab"
    ]  # fmt: skip
    for one, two in (ids, ids[::-1]):
        pair = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": two}]}
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[pair])
    tear_down(whole(used))
    assert not used.world.left()


class Api:
    """A cluster with volumes and snapshots."""

    def list(self, resource: Any) -> list[Any]:
        return {
            "persistentvolumes": [
                {"spec": {"csi": {"volumeHandle": "vol-1"}, "persistentVolumeReclaimPolicy": "Retain"}},
                {"spec": {"csi": {"volumeHandle": "vol-2"}, "persistentVolumeReclaimPolicy": "Delete"}},
                {"spec": {"awsElasticBlockStore": {"volumeID": "aws://us-east-1a/vol-3"}}},
                {"spec": {"hostPath": {"path": "/x"}}},
            ],
            "volumesnapshotcontents": [
                {"spec": {"deletionPolicy": "Delete", "source": {}}, "status": {"snapshotHandle": "snap-1"}},
                {"spec": {"deletionPolicy": "Retain", "source": {"snapshotHandle": "snap-2"}}},
            ],
        }[resource.plural]


def test_the_api_tells_what_is_to_be_kept() -> None:
    assert fates_of(Api()) == {  # type: ignore[arg-type]
        "vol-1": "keep", "vol-2": "delete", "vol-3": "keep", "snap-1": "delete", "snap-2": "keep",
    }  # fmt: skip


def test_a_volume_in_use_is_waited_for(used: AwsCloud) -> None:
    made = volume(used, DRIVER)
    subnet = within(used)[1][0]
    ec2 = used.world.raw("ec2")
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]
    ec2.attach_volume(VolumeId=made, InstanceId=instance["InstanceId"], Device="/dev/sdf")
    with pytest.raises(RetryLater, match="VolumeInUse"):
        whole(used).networks.delete_leftover(Leftover("volume", made))  # type: ignore[union-attr]
