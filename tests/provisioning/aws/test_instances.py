"""What machines on AWS are made like: metadata by tokens only, encrypted disks, spot where declared, zones in turn."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.errors import FieldError, Unsupported
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.state import look
from tests.provisioning.aws.harness import ZONES, AwsCloud, declaration


def launched(cloud: AwsCloud) -> list[dict[str, Any]]:
    """The parameters of all launches, as the account got them."""
    found: list[dict[str, Any]] = []
    client = cloud.world.api._client("ec2")
    client.meta.events.register("provide-client-params.ec2.RunInstances", lambda params, **_: found.append(params))
    return found


def test_machines_have_tokens_for_metadata_encrypted_disks_and_the_market_that_is_declared(cloud: AwsCloud) -> None:
    seen = launched(cloud)
    pools = [{"name": "batch", "replicas": 2, "spot": True, "rootVolumeGiB": 50}]
    converge(cloud.site(), declaration(pools=pools))
    assert all(each["MetadataOptions"]["HttpTokens"] == "required" for each in seen)
    assert all(each["MetadataOptions"]["HttpPutResponseHopLimit"] == 1 for each in seen)
    spot = [each for each in seen if each.get("InstanceMarketOptions", {}).get("MarketType") == "spot"]
    assert [each["MaxCount"] for each in spot] == [2]
    assert spot[0]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert len(seen) > len(spot), "the control plane is not spot"


def test_declared_tags_are_on_everything_that_can_carry_some(cloud: AwsCloud) -> None:
    before = {entry["ResourceARN"] for entry in tagged(cloud)}
    pools = [{"name": "web", "tags": {"tier": "web"}}, {"name": "kept", "scalingGroup": True}]
    converge(cloud.site(), declaration(tags={"team": "a"}, pools=pools))
    made = [entry for entry in tagged(cloud) if entry["ResourceARN"] not in before]
    bare = [entry["ResourceARN"] for entry in made if {"Key": "team", "Value": "a"} not in entry["Tags"]]
    assert not bare
    kinds = {entry["ResourceARN"].split(":")[5].partition("/")[0] for entry in made}
    assert kinds >= {"vpc", "subnet", "security-group", "route-table", "natgateway", "instance", "volume"}
    web = [entry["ResourceARN"] for entry in made if {"Key": "tier", "Value": "web"} in entry["Tags"]]
    assert sorted(arn.split(":")[5].partition("/")[0] for arn in web) == ["instance", "volume"]


def tagged(cloud: AwsCloud) -> list[dict[str, Any]]:
    """All that carries a tag."""
    pages = cloud.world.raw("resourcegroupstaggingapi").get_paginator("get_resources").paginate()
    return [entry for page in pages for entry in page["ResourceTagMappingList"]]


def test_failure_domains_get_machines_in_turn(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration(network={"zoneCount": 3}, pools=[{"replicas": 5}]))
    workers = [view.machine for view in look(cloud.site()).machines if view.machine.role == "worker"]
    assert sorted(Counter(machine.zone for machine in workers).items()) == list(zip(ZONES, (2, 2, 1), strict=True))


def test_images_are_named_by_id_or_parameter_and_fit_the_type_where_none_is(cloud: AwsCloud) -> None:
    seen = launched(cloud)
    pools = [
        {"name": "by-id", "image": "ami-12345678"}, {"name": "by-parameter", "image": "ssm:/our/images/node"},
        {"name": "arm", "type": "m7g.large"}, {"name": "intel", "type": "m7i.large"},
    ]  # fmt: skip
    converge(cloud.site(), declaration(pools=pools))
    ubuntu = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
    assert [each["ImageId"] for each in seen[1:]] == [
        "ami-12345678", "resolve:ssm:/our/images/node", ubuntu.format("arm64"), ubuntu.format("amd64"),
    ]  # fmt: skip


def test_a_key_pair_and_the_root_device_are_options(cloud: AwsCloud) -> None:
    seen = launched(cloud)
    cloud.world.raw("ec2").create_key_pair(KeyName="ours")
    pools = [{"rootVolumeGiB": 20, "options": {"keyName": "ours", "rootDevice": "/dev/xvda"}}]
    converge(cloud.site(), declaration(pools=pools))
    assert (seen[-1]["KeyName"], seen[-1]["BlockDeviceMappings"][0]["DeviceName"]) == ("ours", "/dev/xvda")
    with pytest.raises(FieldError, match=r"pools\[0\]\.options\.keyname: aws knows no such option, only keyName"):
        converge(cloud.site("other"), declaration("other", pools=[{"options": {"keyname": "ours"}}]))


def test_user_data_that_is_too_large_is_refused_before_any_call(cloud: AwsCloud) -> None:
    request = MachineRequest("u", "m", "demo", user_data=b"x" * 16385)
    answer = cloud.world.aws().machines().create([request])["u"]
    assert isinstance(answer, Unsupported)
    assert "RunInstances" not in cloud.calls
