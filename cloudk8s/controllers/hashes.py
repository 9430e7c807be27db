"""Short hashes that go into names and labels: FNV and an alphabet that cannot spell words."""

from __future__ import annotations

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_PRIME = 16777619
_OFFSET = 2166136261


def fnv32(data: bytes) -> int:
    """FNV-1, 32 bits."""
    value = _OFFSET
    for byte in data:
        value = (value * _PRIME & 0xFFFFFFFF) ^ byte
    return value


def fnv32a(data: bytes) -> int:
    """FNV-1a, 32 bits."""
    value = _OFFSET
    for byte in data:
        value = (value ^ byte) * _PRIME & 0xFFFFFFFF
    return value


def safe_encode(text: str) -> str:
    """Replace every character by one without vowels and look-alikes, as upstream's `rand.SafeEncodeString`."""
    return "".join(_ALPHABET[ord(char) % len(_ALPHABET)] for char in text)
