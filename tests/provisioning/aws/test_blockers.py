"""What is in the way of a deletion is named, which AWS does not do."""

from __future__ import annotations

import re

import pytest

from cloudk8s.errors import CloudForbidden
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.provisioning.waiting import NotConverged
from tests.provisioning.aws.harness import AwsCloud, declaration
from tests.provisioning.aws.test_leftovers import within


@pytest.fixture
def used(cloud: AwsCloud) -> AwsCloud:
    converge(cloud.site(), declaration(pools=[]))
    return cloud


def blocked(cloud: AwsCloud) -> str:
    with pytest.raises(NotConverged) as caught:
        tear_down(cloud.site(), timeout=90)
    return str(caught.value)


def test_interfaces_of_others_are_named_with_what_they_are_for(used: AwsCloud) -> None:
    ec2 = used.world.raw("ec2")
    made = ec2.create_network_interface(SubnetId=within(used)[1][0], Description="the billing appliance")
    id = made["NetworkInterface"]["NetworkInterfaceId"]
    said = blocked(used)
    assert "has dependencies and cannot be deleted" in said
    assert re.search(rf"in the way: .*{id} \(the billing appliance\)", said)
    ec2.delete_network_interface(NetworkInterfaceId=id)
    tear_down(used.site())
    assert not used.world.left()


def test_groups_that_name_ours_are_named(used: AwsCloud) -> None:
    ec2, (vpc, _) = used.world.raw("ec2"), within(used)
    groups = {entry["GroupName"]: entry["GroupId"] for entry in ec2.describe_security_groups()["SecurityGroups"]}
    other = ec2.create_security_group(GroupName="theirs", Description="x", VpcId=vpc)["GroupId"]
    pair = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": groups["demo-node"]}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[pair])
    assert re.search(rf"in the way: (.*, )?{other} \(theirs\) names it", blocked(used))
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=[pair])
    assert f"{other} (theirs)" in blocked(used), "the network itself"


def test_who_may_not_look_is_told_what_aws_says(used: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    used.world.raw("ec2").create_network_interface(SubnetId=within(used)[1][0], Description="x")
    known = used.world.api.call

    def refusing(service: str, operation: str, **parameters: object) -> object:
        if operation == "describe_network_interfaces":
            raise CloudForbidden("not you")
        return known(service, operation, **parameters)

    monkeypatch.setattr(used.world.api, "call", refusing)
    assert "has dependencies and cannot be deleted.; run" in blocked(used)
