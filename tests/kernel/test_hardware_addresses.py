"""Addresses of the link layer."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from cloudk8s.kernel.hardware_addresses import of_bridge, of_holder


def test_a_bridge_has_one_address_of_its_own_that_is_administered_locally() -> None:
    address = of_bridge("ck0")
    assert (len(address), address[0] & 0b11) == (6, 0b10)
    assert address == of_bridge("ck0") != of_bridge("ck1")


@pytest.mark.parametrize(("address", "wanted"), [("10.1.2.3", "0a:58:0a:01:02:03"), ("fd00::7:5", "0a:58:00:07:00:05")])
def test_who_has_an_address_has_one_of_the_link_layer_that_follows_from_it(address: str, wanted: str) -> None:
    assert of_holder(ip_address(address)).hex(":") == wanted
