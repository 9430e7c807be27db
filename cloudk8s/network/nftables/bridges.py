"""Have packets between pods of one bridge pass the tables.

Without it the answer of a Service's backend on the client's own bridge would not be translated back, and policies would
not hold there. Upstream asks for the same: the module br_netfilter, and its sysctls.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path
from typing import Final

_SWITCHES: Final = Path("/proc/sys/net/bridge")
_NAMES: Final = ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables")
_log = logging.getLogger(__name__)


def filter_bridged(switches: Path = _SWITCHES) -> bool:
    """Switch it on; False where this kernel cannot. Blocks."""
    if not switches.exists() and (modprobe := shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")):
        subprocess.run([modprobe, "br_netfilter"], capture_output=True, check=False, timeout=30)
    try:
        for name in _NAMES:
            if (switches / name).read_text().strip() != "1":
                (switches / name).write_text("1")
    except OSError as error:
        _log.warning("packets within a bridge pass no tables here (%s): load the module br_netfilter", error)
        return False
    return True
