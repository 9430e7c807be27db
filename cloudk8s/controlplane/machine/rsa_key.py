"""An RSA key out of a secret: always the same, for programs that take no other kind.

The primes are the first ones after numbers that a stream of bytes gives, which has to be secret and to look random.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BITS: Final = 2048
EXPONENT: Final = 65537
_ROUNDS: Final = 20
"""Far more than numbers of this length need that nobody chose."""
_CHUNK: Final = 32
_SMALL: Final = tuple(n for n in range(3, 2000, 2) if all(n % divisor for divisor in range(3, int(n**0.5) + 1, 2)))


def rsa_key(derive: Callable[[str], bytes]) -> RSAPrivateKey:
    """The key; `derive` gives 32 bytes for a purpose."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    p, q = (_prime(derive, name) for name in ("p", "q"))
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    coefficient = rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), coefficient, public).private_key()


def _prime(derive: Callable[[str], bytes], name: str) -> int:
    """One with both highest bits set, so that the product of two is as long as it should be."""
    length = BITS // 2
    drawn = b"".join(derive(f"{name}/{index}") for index in range(length // 8 // _CHUNK))
    number = int.from_bytes(drawn) | 3 << (length - 2) | 1
    while not (_is_prime(number) and gcd(number - 1, EXPONENT) == 1):
        number += 2
    return number


def _is_prime(number: int) -> bool:
    """By Miller and Rabin, with small primes as bases. Numbers are odd and large."""
    if any(number % small == 0 for small in _SMALL):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_is_witnessed(number, base, odd, twos) for base in (2, *_SMALL[: _ROUNDS - 1]))


def _is_witnessed(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False
