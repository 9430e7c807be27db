from __future__ import annotations

from cloudk8s.network.proxy.userspace.doors import Frontend, doors_of
from tests.network.objects import rule

NODE = ("192.0.2.1", "127.0.0.1", "::1")


def test_every_address_of_a_service_has_a_door():
    wanted = rule(node_port=30080, external_ips=("198.51.100.1",), load_balancer_ips=("203.0.113.1",))
    assert set(doors_of(wanted, NODE)) == {
        Frontend("10.96.0.7", 80, "TCP"),
        Frontend("198.51.100.1", 80, "TCP"),
        Frontend("203.0.113.1", 80, "TCP"),
        Frontend("192.0.2.1", 30080, "TCP"),
        Frontend("127.0.0.1", 30080, "TCP"),
    }


def test_source_ranges_hold_at_the_balancers_address_only():
    wanted = rule(node_port=30080, load_balancer_ips=("203.0.113.1",), source_ranges=("192.0.2.0/24",))
    doors = doors_of(wanted, NODE)
    assert not doors[Frontend("203.0.113.1", 80, "TCP")].admits("198.51.100.9")
    assert doors[Frontend("203.0.113.1", 80, "TCP")].admits("192.0.2.9")
    assert doors[Frontend("127.0.0.1", 30080, "TCP")].admits("198.51.100.9")


def test_without_backends_there_is_no_door():
    assert doors_of(rule(backends=(), node_port=30080), NODE) == {}


def test_policy_local_keeps_outsiders_to_local_backends_and_takes_insiders_anywhere():
    door = doors_of(rule(node_port=30080, is_external_local=True), NODE)[Frontend("192.0.2.1", 30080, "TCP")]
    assert door.backends == ()
    assert len(door.inside_backends) == 1


def test_policy_local_keeps_the_client_at_all_doors_to_the_outside():
    wanted = rule(node_port=30080, load_balancer_ips=("203.0.113.1",), is_external_local=True, local=[("10.0.0.1", 80)])
    keeping = {frontend.address for frontend, door in doors_of(wanted, NODE).items() if door.keeps_client}
    assert keeping == {"203.0.113.1", "192.0.2.1", "127.0.0.1"}
