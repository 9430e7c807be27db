"""Let a host pass packets on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SYSCTLS: Final = Path("/proc/sys/net")


def forward(*, six: bool, sysctls: Path = _SYSCTLS) -> None:
    """Switch forwarding on, of IPv6 only if asked to. Idempotent; blocks.

    A host that forwards IPv6 heeds no router advertisements any more, and would lose its own default route; so
    interfaces that heed them are told to go on (`accept_ra` of 2).
    """
    _switch(sysctls / "ipv4" / "ip_forward")
    switch = sysctls / "ipv6" / "conf" / "all" / "forwarding"
    if not six or not switch.exists() or switch.read_text().strip() == "1":
        return
    for path in sysctls.glob("ipv6/conf/*/accept_ra"):
        if path.read_text().strip() == "1":
            path.write_text("2")
    _switch(switch)


def _switch(path: Path) -> None:
    if path.read_text().strip() != "1":
        path.write_text("1")
