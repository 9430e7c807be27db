"""Settings are checked where they are made, and travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import typed_settings


@dataclass(frozen=True)
class Settings:
    name: str
    place: Path = Path("/")
    count: int = 1
    seconds: float = 1.5
    parts: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    other: Path | None = None


def test_what_was_written_is_taken_by_its_meaning() -> None:
    made = typed_settings.checked(Settings, {"name": "a", "place": "/tmp", "count": "3", "seconds": 2, "parts": ["x"]})
    assert made == Settings("a", Path("/tmp"), 3, 2.0, ("x",))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": 5}, "name: Expected `str`, got `int`"),
        ({"name": "a", "count": "many"}, "count: Expected `int`"),
        ({"name": "a", "labels": {"x": 1}}, "labels"),
        ({"name": "a", "place": 3}, "place: Expected `Path`, got `int`"),
        ({}, "Settings: Object missing required field `name`"),
    ],
)
def test_what_can_not_be_is_named(given: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        typed_settings.checked(Settings, given)
    assert words in str(refusal.value)


def test_settings_are_the_same_in_another_process() -> None:
    settings = Settings("a", Path("/x"), 3, 0.5, ("a", "b"), {"c": "d"}, Path("rel"))
    assert typed_settings.decode(Settings, typed_settings.encode(settings)) == settings
