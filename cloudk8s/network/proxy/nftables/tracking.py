"""How many connections the kernel tracks, and for how long: settings of the whole host, upstream's flags and defaults.

Only a proxy that a host was given for itself sets them (`cloudk8s proxy`); they stay when it ends, as upstream's do.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from cloudk8s.network.privileges import may_administer

_LIMIT: Final = 1024 * 1024
"""More than so many are not asked for by the number of cores, which would cost memory."""
_ENTRIES_PER_BUCKET: Final = 4
_SWITCHES: Final = "proc/sys/net/netfilter"
_BUCKETS: Final = "sys/module/nf_conntrack/parameters/hashsize"
_WHOLE: Final = ["0", "0", "4294967295"]
_NONE: Final = timedelta(0)
_log = logging.getLogger(__name__)


class TrackingSettings(BaseModel):
    """What a host is to track; 0 leaves a setting as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_per_core: int = Field(default=32 * 1024, ge=0)
    """Connections the host tracks for each core; 0 leaves its limit as it is, whatever the minimum."""
    min: int = Field(default=128 * 1024, ge=0)
    """Connections the host tracks at least, however few cores it has."""
    tcp_established: timedelta = Field(default=timedelta(hours=24), ge=_NONE)
    """How long an idle TCP connection is tracked; 0s leaves it as it is."""
    tcp_close_wait: timedelta = Field(default=timedelta(hours=1), ge=_NONE)
    """How long a half-closed TCP connection is tracked; 0s leaves it as it is."""
    tcp_be_liberal: bool = False
    """Let TCP segments outside of the window pass."""
    udp: timedelta = Field(default=_NONE, ge=_NONE)
    """How long a UDP flow without answers is tracked; 0s leaves it as it is."""
    udp_stream: timedelta = Field(default=_NONE, ge=_NONE)
    """How long a UDP flow with answers is tracked; 0s leaves it as it is."""


FLAGS: Final = {
    "max_per_core": "conntrack-max-per-core", "min": "conntrack-min",
    "tcp_established": "conntrack-tcp-timeout-established", "tcp_close_wait": "conntrack-tcp-timeout-close-wait",
    "tcp_be_liberal": "conntrack-tcp-be-liberal", "udp": "conntrack-udp-timeout",
    "udp_stream": "conntrack-udp-timeout-stream",
}  # fmt: skip
"""Field: name of its flag, upstream's."""


def limit_of(settings: TrackingSettings, cores: int) -> int:
    """How many connections shall be tracked at least; 0 leaves that as it is."""
    if settings.max_per_core <= 0:
        return 0
    scaled = settings.max_per_core * cores
    return _LIMIT if scaled > _LIMIT else max(scaled, settings.min)


def may_tune(root: Path = Path("/")) -> bool:
    """Whether this process administers the host itself, not only a namespace of it."""
    if not may_administer():
        return False
    try:
        whole = (root / "proc/self/uid_map").read_text().split() == _WHOLE
        return whole and os.readlink(root / "proc/self/ns/net") == os.readlink(root / "proc/1/ns/net")
    except OSError:
        return False


def tune(settings: TrackingSettings, *, root: Path = Path("/"), cores: int | None = None) -> None:
    """Set what is not so yet; the limit and its buckets only grow. What the kernel refuses is logged. Blocks."""
    for path, value, grows in _wanted(settings, cores or os.cpu_count() or 1):
        try:
            _set(root / path, value, grows=grows)
        except (OSError, ValueError) as error:
            _log.warning("tracking of connections: %s is not set to %d: %s", path, value, error)


def _wanted(settings: TrackingSettings, cores: int) -> list[tuple[str, int, bool]]:
    limit = limit_of(settings, cores)
    found = [
        (f"{_SWITCHES}/nf_conntrack_max", limit, True),
        (_BUCKETS, limit // _ENTRIES_PER_BUCKET, True),
        (f"{_SWITCHES}/nf_conntrack_tcp_timeout_established", _seconds(settings.tcp_established), False),
        (f"{_SWITCHES}/nf_conntrack_tcp_timeout_close_wait", _seconds(settings.tcp_close_wait), False),
        (f"{_SWITCHES}/nf_conntrack_tcp_be_liberal", int(settings.tcp_be_liberal), False),
        (f"{_SWITCHES}/nf_conntrack_udp_timeout", _seconds(settings.udp), False),
        (f"{_SWITCHES}/nf_conntrack_udp_timeout_stream", _seconds(settings.udp_stream), False),
    ]
    return [item for item in found if item[1] > 0]


def _set(path: Path, value: int, *, grows: bool) -> None:
    known = int(path.read_text())
    if known == value or (grows and known > value):
        return
    path.write_text(f"{value}\n")
    _log.info("tracking of connections: %s was %d and is %d", path.name, known, value)


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
