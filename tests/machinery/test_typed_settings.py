"""Settings travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

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


def test_settings_are_the_same_in_another_process() -> None:
    settings = Settings("a", Path("/x"), 3, 0.5, ("a", "b"), {"c": "d"}, Path("rel"))
    assert typed_settings.decode(Settings, typed_settings.encode(settings)) == settings
