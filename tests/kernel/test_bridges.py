"""Addresses of bridges."""

from __future__ import annotations

from cloudk8s.kernel.bridges import hardware_address


def test_a_bridge_has_one_address_of_its_own_that_is_administered_locally() -> None:
    address = hardware_address("ck0")
    assert (len(address), address[0] & 0b11) == (6, 0b10)
    assert address == hardware_address("ck0") != hardware_address("ck1")
