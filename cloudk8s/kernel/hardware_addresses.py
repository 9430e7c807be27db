"""Addresses of the link layer that are chosen, so that what others have learned of them (by ARP) stays true."""

from __future__ import annotations

from binascii import crc32
from ipaddress import IPv4Address, IPv6Address


def of_bridge(name: str) -> bytes:
    """The address to give a bridge of this name: six bytes, administered locally.

    A bridge without one takes the lowest of its ports' addresses, and another one when ports come or go. What knows the
    former then talks to nobody, for up to a minute.
    """
    return b"\x02ck" + crc32(name.encode()).to_bytes(4)[1:]


def of_holder(address: IPv4Address | IPv6Address) -> bytes:
    """The one of whatever has this address on a bridge now: who takes it over is known to its neighbours at once.

    The prefix is that of kubenet and of CNI's plugins, which did the same.
    """
    return b"\x0a\x58" + address.packed[-4:]
