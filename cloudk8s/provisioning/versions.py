"""Which versions may follow each other. Pure; the rules are upstream's skew policy."""

from __future__ import annotations

from cloudk8s.errors import SettingsError


def minor(version: str) -> int:
    """37 for 1.37.2."""
    return int(version.removeprefix("v").split(".")[1])


def check_upgrade(present: str, wanted: str) -> None:
    """Raise SettingsError for a downgrade, and for skipping a minor version."""
    step = minor(wanted) - minor(present)
    if step < 0:
        raise SettingsError(f"{wanted} is older than {present}; a control plane can't go back")
    if step > 1:
        raise SettingsError(f"{present} can't go to {wanted} in one step; go to 1.{minor(present) + 1} first")
