"""How many connections the kernel tracks, and for how long: settings of the whole host, upstream's flags and defaults.

Only a proxy that a host was given for itself sets them (`cloudk8s proxy`); they stay when it ends, as upstream's do.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloudk8s.network.privileges import may_administer

_LIMIT: Final = 1024 * 1024
"""More than so many are not asked for by the number of cores, which would cost memory."""
_ENTRIES_PER_BUCKET: Final = 4
_SWITCHES: Final = "proc/sys/net/netfilter"
_BUCKETS: Final = "sys/module/nf_conntrack/parameters/hashsize"
_WHOLE: Final = ["0", "0", "4294967295"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """What a host is to track; 0 leaves a setting as it is."""

    max_per_core: int = 32 * 1024
    """Connections for each core of the host; 0 leaves the limit as it is, whatever the minimum."""
    min: int = 128 * 1024
    """Connections on hosts of few cores."""
    tcp_established: timedelta = timedelta(hours=24)
    tcp_close_wait: timedelta = timedelta(hours=1)
    tcp_be_liberal: bool = False
    """Let TCP segments outside of the window pass."""
    udp: timedelta = timedelta(0)
    """Of flows that were not answered."""
    udp_stream: timedelta = timedelta(0)
    """Of flows that were."""


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
