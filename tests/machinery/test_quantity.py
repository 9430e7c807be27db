from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import Format, Quantity, QuantityError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"), ("1", "1"), ("0.5", "500m"), ("1.5", "1500m"), ("100m", "100m"), ("1000m", "1"), ("1000k", "1M"),
        ("1.5Gi", "1536Mi"), ("1024Mi", "1Gi"), ("0.1Ti", "109951162777600m"), ("0.5Ki", "512"), ("1023Ki", "1023Ki"),
        ("1e2", "100"), ("1e3", "1e3"), ("12e6", "12e6"), ("1E3", "1E3"), ("1000E", "1e21"), ("1.2345", "1234500u"),
        ("0.9n", "1n"), ("-0.9n", "-1n"), ("8Ei", "9223372036854775807"),
        ("18446744073709551616", "18446744073709551616"),
        ("-1.5Ki", "-1536"), ("00", "0"), ("5.", "5."), (".5", "500m"), (" 1 ", "1"),
    ],
)  # fmt: skip
def test_canonical_form_is_upstreams(text: str, canonical: str) -> None:
    assert quantity.canonical(text) == canonical


def test_text_that_upstream_takes_for_canonical_is_echoed() -> None:
    assert quantity.canonical("1.125") == "1.125"
    assert quantity.canonical("+5") == "+5"


def test_json_numbers_are_quantities() -> None:
    assert quantity.canonical(1) == "1"
    assert quantity.canonical(0.25) == "250m"


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1.1.M", "aoeu", "1+1.0M", "Bad"])
def test_malformed_quantity_is_refused_with_the_pattern(text: str) -> None:
    with pytest.raises(QuantityError, match=r"quantities must match the regular expression '\^\(\[\+-\]"):
        quantity.parse(text)


@pytest.mark.parametrize("text", ["1i", "0.1mi", "1eE", "3MiMi", "1e99999"])
def test_unknown_suffix_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="unable to parse quantity's suffix"):
        quantity.parse(text)


@pytest.mark.parametrize("value", [None, True, [], {}])
def test_other_json_types_are_refused(value: object) -> None:
    with pytest.raises(QuantityError):
        quantity.parse(value)


def test_values_round_away_from_zero() -> None:
    assert quantity.parse("1500m").value == 2
    assert quantity.parse("-1500m").value == -2
    assert quantity.parse("1500u").milli_value == 2


def test_sum_keeps_the_format_of_the_first_that_is_not_zero() -> None:
    assert str(quantity.parse("512Mi") + quantity.parse("512Mi")) == "1Gi"
    assert str(quantity.ZERO + quantity.parse("1Gi")) == "1Gi"
    assert str(quantity.parse("1Gi") - quantity.parse("1Gi")) == "0"
    assert str(quantity.parse("250m") + quantity.parse("0.75")) == "1"


def test_small_binary_amount_is_printed_decimal() -> None:
    assert str(Quantity.of(1000, Format.BINARY_SI)) == "1k"
    assert str(Quantity.of(2048, Format.BINARY_SI)) == "2Ki"


def test_order_ignores_the_format() -> None:
    assert quantity.parse("1Gi") > quantity.parse("1G")
    assert quantity.parse("1000m") == quantity.parse("1")
    assert hash(quantity.parse("1000m")) == hash(quantity.parse("1"))


_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(_SUFFIXES)))
def test_canonical_text_reads_back_as_the_same_amount(number: int, suffix: str) -> None:
    parsed = quantity.parse(f"{number}{suffix}")
    assert Fraction(parsed.nanos, 10**9) == number * Fraction(10) ** _SUFFIXES[suffix]
    assert quantity.parse(str(parsed)) == parsed
    assert quantity.canonical(str(parsed)) == str(parsed)


@given(st.integers(0, 10**9), st.sampled_from(["Ki", "Mi", "Gi", "Ti"]))
def test_binary_text_reads_back_as_the_same_amount(number: int, suffix: str) -> None:
    parsed = quantity.parse(f"{number}{suffix}")
    assert quantity.parse(str(parsed)) == parsed


@given(st.integers(), st.integers(), st.sampled_from(list(Format)))
def test_sum_and_difference_are_exact(first: int, second: int, format: Format) -> None:
    total = Quantity(first, format) + Quantity(second)
    assert total.nanos == first + second
    assert total - Quantity(second) == Quantity(first)
