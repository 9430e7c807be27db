"""The published policy is enough for the whole life of a cluster, and no call is made that it does not name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import moto.core.responses
import pytest

from cloudk8s.client.interface import Object
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, ServiceKey, ServicePort
from cloudk8s.errors import CloudForbidden, UserError
from cloudk8s.plugin import NodeRef, Route
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.inheritance import inheritance
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.preflight import check, preflight
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.policies import policy_of
from cloudk8s_aws.cluster.secrets import Secrets
from cloudk8s_aws.ingress.group import IngressGroup
from cloudk8s_aws.ingress.model import AlbRequest, Backends
from cloudk8s_aws.ingress.options import alb_options
from cloudk8s_aws.load_balancers.values import PREFIX
from cloudk8s_aws.permissions import policy
from cloudk8s_aws.settings import AwsSettings
from tests.providers.aws.test_golden_ingress import BOTH_PORTS, CASES, services
from tests.providers.aws.test_ingress import ingress
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available
from tests.provisioning.aws.test_budget import with_load_balancers
from tests.provisioning.aws.test_existing_network import Surroundings
from tests.provisioning.aws.test_existing_network import within as placed
from tests.provisioning.aws.test_leftovers import CONTROLLER, DRIVER, OWNED, specification, volume, within

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
        converge(cloud.site(), placed(Surroundings(cloud).vpc, pools=[]))
        tear_down(cloud.site())
    assert not cloud.world.left()
    named = {action.partition(":")[2] for statement in policy()["Statement"] for action in statement["Action"]}
    assert set(cloud.calls) - {"GetCallerIdentity"} <= named, "which needs no permission"


def test_what_workloads_made_goes_with_the_policy_enforced(cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load balancers of Services and Ingresses, and what others' controllers and drivers left."""
    with enforced(cloud, policy(), monkeypatch):
        converge(cloud.site(), declaration(network={"zoneCount": 2}, pools=[]))
        _use(cloud)
        cloud.boots = True
        state = look(cloud.site())
        inheritance(with_load_balancers(cloud), "declared")
        tear_down(with_load_balancers(cloud), state=state)
    assert not cloud.world.left()


def _use(cloud: AwsCloud) -> None:
    """By the account's own side: the cluster's controllers are others, with a policy of their own."""
    vpc, subnets = within(cloud)
    ec2, elbv2 = cloud.world.raw("ec2"), cloud.world.raw("elbv2")
    made = volume(cloud, DRIVER)
    ec2.create_snapshot(VolumeId=made, TagSpecifications=specification("snapshot", OWNED))
    ec2.create_network_interface(SubnetId=subnets[0], TagSpecifications=specification("network-interface", OWNED))
    groups = [
        ec2.create_security_group(
            GroupName=f"k8s-{name}", Description="x", VpcId=vpc,
            TagSpecifications=specification("security-group", CONTROLLER),
        )["GroupId"]
        for name in "ab"
    ]  # fmt: skip
    pair = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": groups[1]}]}
    ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[pair])
    tags = specification("", CONTROLLER)[0]["Tags"]
    elbv2.create_target_group(Name="k8s-web", Protocol="TCP", Port=80, VpcId=vpc, Tags=tags)
    elbv2.create_load_balancer(
        Name="k8s-web", Type="network", Subnets=subnets[:1], SecurityGroups=groups[:1], Tags=tags
    )
    cloud.world.raw("elb").create_load_balancer(
        LoadBalancerName="classic", Subnets=subnets[:1], SecurityGroups=groups[:1],
        Tags=specification("", OWNED)[0]["Tags"],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 30080}],
    )  # fmt: skip
    cloud.world.api, before = _unlimited(cloud), cloud.world.api
    aws = replace(cloud.world.aws(), cluster="demo")
    aws.load_balancers().ensure(
        LoadBalancerRequest(ServiceKey("uid-1", "default", "web"), "demo", (ServicePort(80, 30080),))
    )
    aws.ingresses().ensure(_ingresses("plain", CASES["hosts-and-paths"]))
    cloud.world.api = before


def _unlimited(cloud: AwsCloud) -> AwsApi:
    return AwsApi(cloud.world.settings(), prepare=cloud.world._prepare, timer=cloud.world.timer)


def test_the_clusters_own_controllers_may_do_their_work(cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the role of the control plane: what nodes are, routes of pods, load balancers of Services and Ingresses."""
    converge(cloud.site(), highly_available(1))
    nodes = tuple(
        NodeRef(view.name, f"uid-{view.name}", view.machine.provider_id, view.machine.addresses)
        for view in look(cloud.site()).machines
    )
    with enforced(cloud, policy_of("control-plane"), monkeypatch):
        aws = replace(cloud.world.aws(), cluster="demo")
        assert {entry.state for entry in aws.instances().describe(nodes).values()} == {"present"}
        routes = [Route(f"10.244.{number}.0/24", node.name, node.provider_id) for number, node in enumerate(nodes)]
        assert aws.routes().create(routes) == {}
        assert _routed(cloud) == [len(nodes)] * 3, "in the table of every zone"
        assert aws.routes().delete(aws.routes().list(nodes)) == {}
        request = LoadBalancerRequest(
            ServiceKey("uid-1", "default", "web"), "demo", (ServicePort(80, 30080),), nodes=nodes
        )
        aws.load_balancers().ensure(request)
        assert not aws.load_balancers().update_targets([replace(request, nodes=nodes[:1])])
        aws.ingresses().ensure(_ingresses("plain", CASES["hosts-and-paths"], nodes))
        secure = {"listen-ports": BOTH_PORTS, "ssl-redirect": "443", "certificate-arn": _certificates(cloud)}
        aws.ingresses().ensure(_ingresses("secure", [ingress(annotations=secure)], nodes))
        classic = replace(aws, settings=aws.settings.model_copy(update={"classic": True})).load_balancers()
        old = replace(request, service=ServiceKey("uid-2", "default", "old"), annotations={f"{PREFIX}type": "clb"})
        classic.ensure(old)
        assert not classic.update_targets([replace(old, nodes=nodes[:1])])
        classic.delete(old.service)
        for owner in aws.ingresses().owners():
            aws.ingresses().delete(owner)
        aws.load_balancers().delete(request.service)
    tear_down(cloud.site())
    assert not cloud.world.left()


def _routed(cloud: AwsCloud) -> list[int]:
    """How many ranges of pods each table has that machines use."""
    wanted = [{"Name": "tag:kubernetes.io/cluster/demo", "Values": ["owned"]}]
    tables = cloud.world.raw("ec2").describe_route_tables(Filters=wanted)["RouteTables"]
    return [sum(str(entry.get("DestinationCidrBlock")).startswith("10.244.") for entry in t["Routes"]) for t in tables]


def _certificates(cloud: AwsCloud) -> str:
    acm = cloud.world.raw("acm")
    return ",".join(acm.request_certificate(DomainName=f"{name}.example.com")["CertificateArn"] for name in "ab")


def _ingresses(name: str, objects: Sequence[Object], nodes: tuple[NodeRef, ...] = ()) -> AlbRequest:
    members = [{**entry, "metadata": {**entry["metadata"], "uid": f"uid-{name}"}} for entry in objects]
    group = IngressGroup(f"default/{name}", tuple(members))
    return AlbRequest("demo", group, alb_options(group), Backends(services(), {}, nodes))


def test_policies_fit_into_what_iam_takes() -> None:
    """6,144 characters make a managed policy, 10,240 are the inline policies of a role; white space does not count."""
    own = policy_of("control-plane", self_managed=True)
    assert len("".join(json.dumps(policy()).split())) <= 6144
    assert len("".join(json.dumps(own).split())) <= 10240


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
