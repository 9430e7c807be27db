"""Which ranges ServiceCIDRs span."""

from __future__ import annotations

from cloudk8s.network.proxy.ranges import service_ranges


def test_ranges_of_all_objects_are_joined_by_family():
    found = [{"spec": {"cidrs": ["10.96.0.0/16", "fd00:96::/112"]}}, {"spec": {"cidrs": ["10.120.0.0/24"]}}]
    assert service_ranges(found) == ("10.96.0.0/16", "10.120.0.0/24", "fd00:96::/112")


def test_a_range_within_another_and_neighbours_become_one():
    found = [{"spec": {"cidrs": [text]}} for text in ("10.96.0.0/16", "10.96.4.0/24", "10.97.0.0/16")]
    assert service_ranges(found) == ("10.96.0.0/15",)


def test_no_objects_span_nothing():
    assert service_ranges([]) == ()
