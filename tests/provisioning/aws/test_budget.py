"""How many calls the life of a cluster takes, and that the plan knew it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, ServiceKey, ServicePort
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.provisioning.access import access_to, addressed
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import look, look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.cluster.secrets import Secrets
from cloudk8s_aws.ingress.group import OWNER as INGRESS
from cloudk8s_aws.load_balancers.naming import resource_name
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available


def planned(cloud: AwsCloud, wanted: ClusterDeclaration) -> Counter[str]:
    site = cloud.site()
    state = look(site)
    plan = plan_cluster(site, settled(site, wanted, state), state)
    assert plan.calls is not None
    cloud.world.faults.forget()
    return Counter(plan.calls)


def with_load_balancers(cloud: AwsCloud) -> Site:
    """The site as commands have it."""
    return replace(cloud.site(), load_balancers=replace(cloud.world.aws(), cluster="demo").load_balancers())


@pytest.mark.parametrize("workers", [3, 99])
def test_a_cluster_in_three_zones_takes_63_calls(cloud: AwsCloud, workers: int) -> None:
    """Reads and polls included, and as many with 99 workers as with 3; deletion takes 43, the look afterwards too."""
    converge(cloud.site(), highly_available(workers))
    assert len(cloud.calls) <= 63
    assert len(cloud.instances()) == 3 + workers
    cloud.world.faults.forget()
    tear_down(with_load_balancers(cloud))
    assert len(cloud.calls) <= 43
    assert not cloud.world.left()


def test_whose_machines_boot_takes_seven_calls_more(cloud: AwsCloud) -> None:
    """To find its API and the seed of its secrets, to look for what workloads left, and to forget the seed."""
    converge(cloud.site(), highly_available())
    Secrets(cloud.world.api).keep("demo", bytes(32))
    cloud.boots = True
    site = with_load_balancers(cloud)
    cloud.world.faults.forget()
    state = look_to_delete(site)
    endpoint = addressed(site, state)
    assert access_to(site, endpoint).server.startswith("https://k8s-api-")
    tear_down(site, state=state)
    assert len(cloud.calls) <= 43 + 7
    assert not cloud.world.left()


def test_a_cluster_that_is_gone_takes_a_few_reads(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration())
    tear_down(cloud.site())
    cloud.world.faults.forget()
    tear_down(with_load_balancers(cloud))
    assert cloud.mutations == []
    assert len(cloud.calls) <= 6


def test_load_balancers_of_services_are_found_by_the_same_listing(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration())
    site = with_load_balancers(cloud)
    assert site.load_balancers is not None
    service = ServiceKey("uid-1", "default", "web")
    site.load_balancers.ensure(LoadBalancerRequest(service, "demo", (ServicePort(80, 30080),)))
    assert len(cloud.world.raw("elbv2").describe_load_balancers()["LoadBalancers"]) == 2
    tear_down(with_load_balancers(cloud))
    assert not cloud.world.left()


def test_load_balancers_of_ingresses_go_too(cloud: AwsCloud) -> None:
    converge(cloud.site(), declaration())
    owner = f"{INGRESS}1a2b3c"
    tags = {CLUSTER_TAG: "demo", OWNER_TAG: owner, RESOURCE_TAG: "load-balancer"}
    subnets = [entry.id for entry in look(cloud.site()).observation.resources if entry.type == "subnet"]
    cloud.world.raw("elbv2").create_load_balancer(
        Name=resource_name("lb", owner), Type="application", Subnets=subnets[:2], Scheme="internal",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )  # fmt: skip
    tear_down(with_load_balancers(cloud))
    assert not cloud.world.left()


def test_applying_again_changes_nothing(cloud: AwsCloud) -> None:
    converge(cloud.site(), highly_available())
    cloud.world.faults.forget()
    converge(cloud.site(), highly_available())
    assert cloud.mutations == []
    assert len(cloud.calls) <= 22


STAGES = {
    "scale up": highly_available(7),
    "scale down": highly_available(2),
    "upgrade": highly_available(2, kubernetesVersion="1.38"),
    "another type": declaration(
        kubernetesVersion="1.38", controlPlane={"replicas": 3}, network={"nat": "per-zone"},
        pools=[{"replicas": 2, "type": "m7i.large", "rollout": {"maxSurge": 2}}, {"name": "spot", "spot": True}],
    ),
    "open node ports": declaration(
        kubernetesVersion="1.38", controlPlane={"replicas": 3},
        network={"nat": "per-zone", "nodePortSourceRanges": ["0.0.0.0/0"], "sshSourceRanges": ["192.0.2.0/24"]},
        pools=[{"replicas": 2, "type": "m7i.large"}],
    ),
}  # fmt: skip


def test_the_plan_is_the_calls_then_made(cloud: AwsCloud) -> None:
    for name, wanted in {"create": highly_available(), **STAGES}.items():
        expected = planned(cloud, wanted)
        assert expected, name
        converge(cloud.site(), wanted)
        assert Counter(cloud.mutations) == expected, name
    site = cloud.site()
    plan = plan_deletion(site, look_to_delete(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert plan.calls is not None
    assert Counter(cloud.mutations) == Counter(plan.calls)
    assert not cloud.world.left()


@pytest.mark.parametrize(("scheme", "preserved"), [("internal", "false"), ("internet-facing", "true")])
def test_machines_behind_an_internal_api_may_be_its_clients(cloud: AwsCloud, scheme: str, preserved: str) -> None:
    """A connection that came back to its own machine with that machine's address would be lost."""
    wanted = declaration(network={"api": {"scheme": scheme}})
    expected = planned(cloud, wanted)
    converge(cloud.site(), wanted)
    assert Counter(cloud.mutations) == expected
    api = cloud.world.raw("elbv2")
    (group,) = api.describe_target_groups()["TargetGroups"]
    found = api.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    assert {each["Key"]: each["Value"] for each in found}.get("preserve_client_ip.enabled", "true") == preserved


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_workers_take_forty_calls_more(cloud: AwsCloud) -> None:
    converge(cloud.site(), highly_available(0))
    few = len(cloud.calls)
    cloud.world.faults.forget()
    tear_down(cloud.site())
    cloud.world.reset()
    converge(cloud.site(), highly_available(1000))
    assert len(cloud.calls) <= few + 40
    assert len(cloud.instances()) == 1003


def test_the_plan_tells_what_it_costs(cloud: AwsCloud) -> None:
    site = cloud.site()
    state = look(site)
    cost = plan_cluster(site, settled(site, highly_available(), state), state).cost
    assert cost is not None
    items = {item.what: item.count for item in cost.items}
    assert items == {"nat-gateway": 3, "address": 3, "api-balancer": 1, "machine of the default type": 6}
    assert cost.before == 0
    assert 300 < cost.monthly < 350
    converge(site, highly_available())
    later = look(site)
    again = plan_cluster(site, settled(site, highly_available(), later), later).cost
    assert again is not None
    assert round(again.before, 2) == round(again.monthly, 2) == round(cost.monthly, 2)
