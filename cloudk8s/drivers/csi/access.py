"""What CSI calls the way a volume is used: access modes, mount or block. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

_MODES: Final = {"ReadWriteOnce": 1, "ReadOnlyMany": 3, "ReadWriteMany": 5, "ReadWriteOncePod": 6}
_SINGLE_NODE_MULTI_WRITER: Final = 7
_SINGLE_NODE_WRITER: Final = 1


def access_mode(modes: Collection[str], *, has_multi_writer: bool) -> int:
    """The one mode that stands for a volume's; drivers differ in what they call a volume of one node.

    https://kubernetes-csi.github.io/docs/csi-driver-object.html and KEP 2485.
    """
    for mode in ("ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce", "ReadWriteOncePod"):
        if mode in modes:
            return _number(mode, has_multi_writer)
    return _number("ReadWriteOnce", has_multi_writer)


def access_modes(modes: Collection[str], *, has_multi_writer: bool) -> Sequence[int]:
    """All modes that a new volume must have."""
    return [_number(mode, has_multi_writer) for mode in modes]


def capability(
    mode: int, *, is_block: bool = False, fs_type: str = "", flags: Sequence[str] = (), group: str = ""
) -> dict[str, Any]:
    """A VolumeCapability."""
    mount: Mapping[str, Any] = {"fs_type": fs_type, "mount_flags": list(flags), "volume_mount_group": group}
    return {"access_mode": {"mode": mode}, **({"block": {}} if is_block else {"mount": mount})}


def _number(mode: str, has_multi_writer: bool) -> int:
    if mode == "ReadWriteOnce" and has_multi_writer:
        return _SINGLE_NODE_MULTI_WRITER
    if mode == "ReadWriteOncePod" and not has_multi_writer:
        return _SINGLE_NODE_WRITER
    return _MODES[mode]
