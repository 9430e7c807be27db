"""YAML in and out, one place to choose the library; the text is laid out as go-yaml does.

The library is imported with the first document: most processes never see one, and it is 2 MB.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloudk8s.errors import SettingsError


def encode(value: Any) -> bytes:
    """Block YAML in UTF-8, keys sorted."""
    from cloudk8s.machinery import go_yaml

    return go_yaml.encode(value)


def decode(data: bytes | str) -> Any:
    """Parse the first document; raises ValueError for what is not YAML."""
    from cloudk8s.machinery import go_yaml

    return go_yaml.parse(data.encode() if isinstance(data, str) else data).tree


def read_settings(path: Path) -> Any:
    """The first document of a file of settings, YAML or JSON. Raises SettingsError that names the file. Blocks."""
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error
