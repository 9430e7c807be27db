"""Resource quantities: `100m`, `1.5Gi`, `2e3`; exact, compared and added as numbers, printed in canonical form.

A quantity is a whole number of nano units (finer input is rounded away from zero) and remembers the family of its
suffix. The rules are those of `k8s.io/apimachinery/pkg/api/resource`, quirks of what counts as canonical included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, total_ordering
from typing import Any, Final

NANOS_PER_UNIT: Final = 10**9
_MAX_BINARY: Final = (2**63 - 1) * NANOS_PER_UNIT
_MAX_EXPONENT: Final = 1000
_PATTERN: Final = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_SPLIT: Final = re.compile(r"([+-]?)0*([0-9]*)(\.[0-9]*)?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAMES: Final = {exponent: name for name, exponent in _DECIMAL.items()}
_BINARY_NAMES: Final = ["", *_BINARY]


class QuantityError(ValueError):
    """The text is not a quantity; the message is upstream's."""


class Format(StrEnum):
    """The family of suffixes a quantity is printed with."""

    DECIMAL_EXPONENT = "DecimalExponent"
    BINARY_SI = "BinarySI"
    DECIMAL_SI = "DecimalSI"


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """An exact amount; equality and order look at the amount alone."""

    nanos: int
    format: Format = Format.DECIMAL_SI
    _text: str = field(default="", repr=False)

    @classmethod
    def of(cls, value: int, format: Format = Format.DECIMAL_SI) -> Quantity:
        """A whole number of units."""
        return cls(value * NANOS_PER_UNIT, format)

    @classmethod
    def of_milli(cls, value: int, format: Format = Format.DECIMAL_SI) -> Quantity:
        """A whole number of thousandths."""
        return cls(value * 10**6, format)

    @property
    def value(self) -> int:
        """Units, rounded away from zero."""
        return _round_away(self.nanos, NANOS_PER_UNIT)

    @property
    def milli_value(self) -> int:
        """Thousandths, rounded away from zero."""
        return _round_away(self.nanos, 10**6)

    @property
    def is_zero(self) -> bool:
        return self.nanos == 0

    def __str__(self) -> str:
        return self._text or _canonical(self.nanos, self.format)

    def __float__(self) -> float:
        return self.nanos / NANOS_PER_UNIT

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self._format_with(other))

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self._format_with(other))

    def __mul__(self, factor: int) -> Quantity:
        return Quantity(self.nanos * factor, self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def _format_with(self, other: Quantity) -> Format:
        return self.format if self.nanos else other.format


ZERO: Final = Quantity(0)


def parse(value: Any) -> Quantity:
    """Read a quantity from JSON: a string, or a number as it would be written. Raises QuantityError."""
    if isinstance(value, str):
        return _parse(value.strip())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _parse(repr(value))
    raise QuantityError(f"quantities must match the regular expression '{_PATTERN}'")


def canonical(value: Any) -> str:
    """The form in which upstream stores and sends a quantity: `0.5` becomes `500m`, `1024Mi` becomes `1Gi`."""
    return str(parse(value))


@lru_cache(maxsize=8192)
def _parse(text: str) -> Quantity:
    if text == "0":
        return Quantity(0, Format.DECIMAL_SI, text)
    match = _SPLIT.fullmatch(text) if text else None
    if match is None:
        raise QuantityError(f"quantities must match the regular expression '{_PATTERN}'")
    sign, whole, fraction, suffix = match[1], match[2], (match[3] or "")[1:], match[4]
    base, exponent, format = _interpret(suffix)
    nanos = _nanos(int((whole + fraction) or "0"), len(fraction), base, exponent)
    if format is Format.BINARY_SI:
        nanos = min(nanos, _MAX_BINARY)
        if 0 < nanos < NANOS_PER_UNIT:
            format = Format.DECIMAL_SI
    kept = text if _is_kept(whole or "0", fraction, exponent, format) else ""
    return Quantity(-nanos if sign == "-" else nanos, format, kept)


def _interpret(suffix: str) -> tuple[int, int, Format]:
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], Format.DECIMAL_SI
    if suffix in _BINARY:
        return 2, _BINARY[suffix], Format.BINARY_SI
    if (match := _EXPONENT.fullmatch(suffix)) and abs(int(match[1])) <= _MAX_EXPONENT:
        return 10, int(match[1]), Format.DECIMAL_EXPONENT
    raise QuantityError("unable to parse quantity's suffix")


def _nanos(digits: int, places: int, base: int, exponent: int) -> int:
    if base == 2:
        return _round_away(digits * NANOS_PER_UNIT << exponent, 10**places)
    scale = exponent - places + 9
    return digits * 10**scale if scale >= 0 else _round_away(digits, 10**-scale)


def _is_kept(whole: str, fraction: str, exponent: int, format: Format) -> bool:
    """Whether upstream takes the text for canonical as it stands and echoes it, `1.125` and `+5` included."""
    if format is Format.BINARY_SI:
        precision = 15 - len(whole) - exponent * 3 // 10 - 1
        return not fraction and precision >= 0 and int(whole) & 0x07 != 0
    digits, scale = whole + fraction, exponent - len(fraction)
    if len(digits) > 18 or scale < -9:
        return False
    return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _round_away(number: int, unit: int) -> int:
    return -(-number // unit) if number >= 0 else number // unit


def _canonical(nanos: int, format: Format) -> str:
    if nanos == 0:
        return "0"
    if format is Format.BINARY_SI and abs(nanos) >= 1024 * NANOS_PER_UNIT and nanos % NANOS_PER_UNIT == 0:
        return _binary(nanos // NANOS_PER_UNIT)
    number, exponent = nanos, -9
    while number % 1000 == 0:
        number, exponent = number // 1000, exponent + 3
    if format is Format.DECIMAL_EXPONENT or exponent not in _DECIMAL_NAMES:
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_DECIMAL_NAMES[exponent]}"


def _binary(units: int) -> str:
    power = 0
    while units % 1024 == 0 and power < len(_BINARY_NAMES) - 1:
        units, power = units // 1024, power + 1
    return f"{units}{_BINARY_NAMES[power]}"
