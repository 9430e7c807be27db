from __future__ import annotations

from cloudk8s.client.resources import BUILT_IN, CORE_EVENTS, EVENTS, PODS, resource_of


def test_every_kind_is_there_once() -> None:
    assert len({(r.group, r.version, r.plural) for r in BUILT_IN}) == len(BUILT_IN) == 68


def test_resource_of_finds_the_resource_of_an_object() -> None:
    assert resource_of({"apiVersion": "v1", "kind": "Pod"}) is PODS
    assert resource_of({"apiVersion": "v1", "kind": "Event"}) is CORE_EVENTS
    assert resource_of({"apiVersion": "events.k8s.io/v1", "kind": "Event"}) is EVENTS
    assert resource_of({"apiVersion": "example.com/v1", "kind": "Event"}) is None


def test_paths() -> None:
    assert PODS.path("a", "b", "status") == "/api/v1/namespaces/a/pods/b/status"
    assert EVENTS.path() == "/apis/events.k8s.io/v1/events"
