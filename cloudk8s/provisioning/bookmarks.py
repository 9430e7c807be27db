"""Which provider and account a cluster was last seen in: a convenience of this host, never the truth.

With a bookmark, commands need no `--provider`; without one nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cloudk8s.controlplane.directories import home
from cloudk8s.machinery import codec

SECRET_WORDS = ("secret", "password", "token", "key")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a cluster is."""

    cluster: str
    provider: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    offline: bool = False


def directory() -> Path:
    """Where this host keeps what it knows of clusters in clouds: bookmarks, journals, locks."""
    return home() / ".clusters"


def remember(bookmark: Bookmark) -> None:
    """Write it down, but for what looks like a secret."""
    settings = {name: value for name, value in bookmark.settings.items() if not looks_secret(name)}
    path = _path(bookmark.cluster)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    entry = {**asdict(bookmark), "settings": settings}
    temporary = path.with_suffix(".new")
    temporary.write_bytes(codec.encode(entry))
    temporary.replace(path)


def recall(cluster: str) -> Bookmark | None:
    """The bookmark of a cluster."""
    try:
        return Bookmark(**codec.decode(_path(cluster).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def forget(cluster: str) -> None:
    """The cluster is gone."""
    for suffix in (".json", ".journal", ".lock"):
        _path(cluster).with_suffix(suffix).unlink(missing_ok=True)


def bookmarks() -> Iterator[Bookmark]:
    """All of them, by name."""
    for path in sorted(directory().glob("*.json")):
        if (found := recall(path.stem)) is not None:
            yield found


def looks_secret(name: str) -> bool:
    """Whether a setting is better not written down."""
    return any(word in name.lower() for word in SECRET_WORDS)


def _path(cluster: str) -> Path:
    return directory() / f"{cluster}.json"
