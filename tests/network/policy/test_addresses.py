from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.network.policy.addresses import blocks, without

networks = st.builds(
    lambda base, length: str(ip_network((base, length), strict=False)),
    st.integers(min_value=0x0A000000, max_value=0x0A0000FF),
    st.integers(min_value=26, max_value=32),
)
points = [ip_address(0x0A000000 + number) for number in range(256)]


def members(texts):
    return {point for point in points if any(point in ip_network(text) for text in texts)}


@given(st.lists(networks, max_size=8))
def test_blocks_hold_the_same_addresses_and_do_not_overlap(texts):
    found = blocks(texts, "IPv4")
    assert members(found) == members(texts)
    assert sum(ip_network(text).num_addresses for text in found) == len(members(found))


@given(networks, st.lists(networks, max_size=5))
def test_holes_are_cut_out(block, holes):
    assert members(without(block, holes)) == members([block]) - members(holes)


def test_families_are_kept_apart():
    assert blocks(["10.0.0.1", "fd00::1"], "IPv6") == ["fd00::1/128"]
    assert without("10.0.0.0/24", ["fd00::/8"]) == ["10.0.0.0/24"]
