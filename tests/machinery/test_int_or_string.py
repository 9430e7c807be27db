import pytest

from cloudk8s.machinery import int_or_string
from cloudk8s.machinery.int_or_string import IntOrStringError


def test_number_is_itself() -> None:
    assert int_or_string.scaled_value(3, 10, round_up=True) == 3


def test_percentage_is_rounded_as_asked() -> None:
    assert int_or_string.scaled_value("25%", 10, round_up=True) == 3
    assert int_or_string.scaled_value("25%", 10, round_up=False) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "invalid value for IntOrString: invalid type: string is not a percentage"),
        ("x%", 'invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax'),
    ],
)
def test_other_strings_are_refused(text: str, message: str) -> None:
    with pytest.raises(IntOrStringError) as caught:
        int_or_string.scaled_value(text, 10, round_up=True)
    assert str(caught.value) == message
