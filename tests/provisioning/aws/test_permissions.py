"""The published policy is enough for the whole life of a cluster, and no call is made that it does not name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import moto.core.responses
import pytest

from cloudk8s.errors import CloudForbidden, UserError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.preflight import check, preflight
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.secrets import Secrets
from cloudk8s_aws.permissions import policy
from cloudk8s_aws.settings import AwsSettings
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available
from tests.provisioning.aws.test_existing_network import Surroundings, within

USER = "provisioner"
RESPONSES: Any = moto.core.responses


@contextmanager
def enforced(cloud: AwsCloud, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsApi]:
    """An API of a user who may do what the policy says; the emulator's own side may do everything."""
    iam, world = cloud.world.raw("iam"), cloud.world
    iam.create_user(UserName=USER)
    for statement in document["Statement"]:
        statement["Resource"] = "*"  # the emulator asks about actions only, and calls one service by another name
        statement["Action"] += [f"tagging:{name[4:]}" for name in statement["Action"] if name.startswith("tag:")]
    iam.put_user_policy(UserName=USER, PolicyName="cloudk8s", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    known = RESPONSES.ActionAuthenticatorMixin._authenticate_and_authorize_action

    def only_the_user(self: object, request: type, resource: str = "*") -> None:
        signed = str(dict(getattr(self, "headers", {})).get("Authorization", ""))
        if key["AccessKeyId"] in signed and "/route53/" not in signed:  # whose signatures the emulator can't check
            known(self, request, resource)

    monkeypatch.setattr(RESPONSES.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    monkeypatch.setattr(RESPONSES.ActionAuthenticatorMixin, "_authenticate_and_authorize_action", only_the_user)
    settings = AwsSettings(
        region="us-east-1", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
    )
    before, world.api = world.api, AwsApi(settings, prepare=world._prepare, timer=world.timer)
    try:
        yield world.api
    finally:
        world.api = before
        iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=USER, PolicyName="cloudk8s")
        iam.delete_user(UserName=USER)


def test_the_whole_life_of_a_cluster_passes_with_the_policy_enforced(
    cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    open = declaration(
        network={"nodePortSourceRanges": ["0.0.0.0/0"], "nat": "per-zone"}, kubernetesVersion="1.38",
        controlPlane={"replicas": 3},
    )  # fmt: skip
    with enforced(cloud, policy(), monkeypatch) as api:
        site = cloud.site()
        state = look(site)
        assert not check(preflight(site, settled(site, highly_available(), state), state))
        kept, fewer = (
            declaration(pools=[{"replicas": count, "scalingGroup": True}], kubernetesVersion="1.38") for count in (3, 1)
        )
        for wanted in (highly_available(), highly_available(5, kubernetesVersion="1.38"), open, kept, fewer):
            converge(cloud.site(), wanted)
        Secrets(api).keep("demo", bytes(32))
        assert Secrets(api).read("demo") == bytes(32)
        Secrets(api).forget("demo")
        tear_down(cloud.site())
        assert not cloud.world.left()
        cloud.world.raw("route53").create_hosted_zone(Name="example.com", CallerReference="test")
        cloud.world.keep()
        converge(cloud.site(), declaration(network={"api": {"dnsZone": "example.com"}}, pools=[]))
        tear_down(cloud.site())
        converge(cloud.site(), within(Surroundings(cloud).vpc, pools=[]))
        tear_down(cloud.site())
    assert not cloud.world.left()
    named = {action.partition(":")[2] for statement in policy()["Statement"] for action in statement["Action"]}
    assert set(cloud.calls) - {"GetCallerIdentity"} <= named, "which needs no permission"


def test_without_a_permission_nothing_is_begun(cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    document = policy()
    for statement in document["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if not fnmatchcase(action, "ec2:Run*")]
    with enforced(cloud, document, monkeypatch):
        site = cloud.site()
        state = look(site)
        with pytest.raises(UserError, match="iam-policy aws"):
            check(preflight(site, settled(site, declaration(), state), state))
        with pytest.raises(CloudForbidden):
            converge(cloud.site(), declaration(), timeout=60)
    tear_down(cloud.site())
    assert not cloud.world.left()


def test_types_and_quotas_are_looked_at_beforehand(cloud: AwsCloud) -> None:
    site = cloud.site()
    state = look(site)
    wanted = settled(site, declaration(pools=[{"type": "x9.gigantic"}]), state)
    with pytest.raises(UserError, match=r"x9\.gigantic can't be had in us-east-1a"):
        check(preflight(site, wanted, state))
    ec2 = cloud.world.raw("ec2")
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    with pytest.raises(UserError, match=r"network\.nat: 1 elastic addresses are needed"):
        check(preflight(site, settled(site, declaration(), state), state))


def test_the_first_seed_of_a_cluster_stays(cloud: AwsCloud) -> None:
    secrets = Secrets(cloud.world.api)
    assert secrets.read("demo") is None
    assert secrets.keep("demo", bytes([1]) * 32) == bytes([1]) * 32
    assert secrets.keep("demo", bytes([2]) * 32) == bytes([1]) * 32
    secrets.forget("demo")
    secrets.forget("demo")
    assert secrets.read("demo") is None
