"""Write the template out under another name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cloudk8s.errors import UserError

SUFFIX = ".txt"
NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")


def write_provider(name: str, directory: Path) -> Sequence[Path]:
    """Write a provider project called `name` into a directory that must not hold any of its files.

    Returns what was written. Raises UserError for a name that can't be a package's, and where files are in the way.
    """
    if not NAME.match(name):
        raise UserError(f"{name!r} can't be a provider's name: use lower-case letters, digits and underscores")
    wanted = {directory / _renamed(path, name): _renamed(text, name) for path, text in _template().items()}
    if present := [path for path in wanted if path.exists()]:
        raise UserError(f"{present[0]} is there already; choose another directory")
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(wanted)


def _renamed(text: str, name: str) -> str:
    title = "".join(part.capitalize() for part in name.split("_"))
    dashed = text.replace("cloudk8s-mycloud", f"cloudk8s-{name.replace('_', '-')}")
    return dashed.replace("mycloud", name).replace("MyCloud", title)


def _template() -> dict[str, str]:
    """Relative paths and texts."""
    found: dict[str, str] = {}
    _collect(files("cloudk8s.plugin.scaffold") / "template", "", found)
    return found


def _collect(folder: Traversable, prefix: str, found: dict[str, str]) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif entry.name.endswith(SUFFIX):
            found[prefix + entry.name.removesuffix(SUFFIX)] = entry.read_text()
