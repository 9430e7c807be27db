from __future__ import annotations

from pathlib import Path

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.rootless.host import RootlessHost
from cloudk8s.network.rootless.uplink import Uplink

HOST = RootlessHost(Path("/nowhere"), "198.19.0.0/24", ("127.96.0.0/16", "127.200.0.0/24"))


async def test_pods_reach_the_world_services_and_what_is_offered_but_no_other_loopback():
    uplink = Uplink(HOST, clock=FakeClock())
    uplink.offer(6443, "127.0.0.1")
    assert uplink.destination("203.0.113.9", 443) == Backend("203.0.113.9", 443)
    assert uplink.destination("127.200.0.1", 80) == Backend("127.200.0.1", 80)
    assert uplink.destination("198.19.0.1", 6443) == Backend("127.0.0.1", 6443)
    assert uplink.destination("198.19.0.1", 22) is None
    assert uplink.destination("127.100.0.1", 22) is None
