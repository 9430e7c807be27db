"""Load balancers as stacks: the mark says that everything is in place, so it comes last and only then."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, LoadBalancerStatus, ServiceKey, ServicePort
from cloudk8s.cloud.stack.balancing import MARK, StackLoadBalancers, mark, owner_of
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.resource import Ref, Resource, Stack, StackError
from cloudk8s.errors import CloudError
from cloudk8s.plugin import Ingress, LoadBalancerCapabilities
from cloudk8s.testing.shelf import Shelf

REQUEST = LoadBalancerRequest(ServiceKey("uid-1", "shop", "web"), "prod", (ServicePort(80, 30080),))


def build(request: LoadBalancerRequest) -> Stack:
    balancer = Resource("balancer", "balancer", {"name": "a"})
    listener = Resource("listener", "listener/80", {"balancer": Ref("balancer")})
    resources = (balancer, listener, mark(request, [balancer, listener]))
    return Stack(owner_of(request.cluster, request.service), resources)


def status(request: LoadBalancerRequest | None, observation: Observation) -> LoadBalancerStatus:
    there = observation.get("balancer") is not None
    return LoadBalancerStatus((Ingress(ip="192.0.2.1"),) if there else ())


def balancers(shelf: Shelf) -> StackLoadBalancers:
    names = ("balancer", "listener", MARK)
    return StackLoadBalancers(
        "prod", Engine([shelf.type(name) for name in names], concurrency=8), LoadBalancerCapabilities(), build, status,
        frozenset({"balancer"}), frozenset({"balancer", MARK}), frozenset({"balancer", MARK}),
    )  # fmt: skip


def test_what_is_in_place_is_marked_with_what_was_asked_for() -> None:
    shelf = Shelf()
    balancers(shelf).ensure(REQUEST)
    state = balancers(shelf).describe([REQUEST.service])["uid-1"]
    assert (state.digest, state.targets_digest) == (REQUEST.digest, REQUEST.targets_digest)
    assert shelf.mutations()[-1] == "create mark"


def test_what_is_not_complete_has_no_mark() -> None:
    shelf = Shelf()

    def fail(call: str) -> None:
        if call == "create listener/80":
            raise CloudError("no")

    shelf.before = fail
    with pytest.raises(CloudError, match="no"):
        balancers(shelf).ensure(REQUEST)
    assert shelf.present() == {"balancer"}
    assert balancers(shelf).describe([REQUEST.service])["uid-1"].digest == ""


def test_another_clusters_request_is_refused() -> None:
    with pytest.raises(StackError, match="of cluster 'test'"):
        balancers(Shelf()).ensure(LoadBalancerRequest(REQUEST.service, "test", REQUEST.ports))
