"""What a user gives is checked before the program begins that it is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudk8s.cli.checked_settings import checked
from cloudk8s.errors import SettingsError


@dataclass(frozen=True)
class Settings:
    name: str
    place: Path = Path("/")
    count: int = 1
    seconds: float = 1.5
    parts: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


def test_what_was_written_is_taken_by_its_meaning() -> None:
    made = checked(Settings, {"name": "a", "place": "/tmp", "count": "3", "seconds": 2, "parts": ["x"]})
    assert made == Settings("a", Path("/tmp"), 3, 2.0, ("x",))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": 5}, "name: Input should be a valid string"),
        ({"name": "a", "count": "many"}, "count: Input should be a valid integer"),
        ({"name": "a", "labels": {"x": 1}}, "labels.x: Input should be a valid string"),
        ({"name": "a", "place": 3}, "place: Input is not a valid path"),
        ({}, "name: Field required"),
    ],
)
def test_what_can_not_be_is_named(given: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        checked(Settings, given)
    assert words in str(refusal.value)
