"""Nothing may block the event loop: whatever waits for others in one, in code of ours, fails its test.

Waiting means sleeping, sockets, pipes and databases. Files of this host are left out: at start they are read in the
loop, and later none of the size that would be noticed is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blockbuster import BlockBuster

ROOT: Final = Path(__file__).parents[1]
WAITING: Final = ("time.sleep", "os.read", "os.write", "socket.", "ssl.", "sqlite3.", "builtins.input")
ALLOWED: Final = {
    # choosing an address by the kernel's routes: a datagram socket sends nothing when it connects
    ("apiserver/bootstrap/run.py", "advertised"),
    # a process of ours beside this one that does nothing but answer, asked a few times while a cluster starts
    ("network/rootless/host.py", "_ask"),
    # an executor that runs calls at once, on purpose, so that a test knows their order
    ("testing/inline.py", "submit"),
}


def watch_for_blocking() -> BlockBuster:
    """Watch from now on."""
    ours = ["cloudk8s", *(path.name for kind in ("providers", "plugins") for path in (ROOT / kind).glob("cloudk8s_*"))]
    watch = BlockBuster(ours)
    watch.functions = {name: function for name, function in watch.functions.items() if name.startswith(WAITING)}
    for function in watch.functions.values():
        for file, name in ALLOWED:
            function.can_block_in(file, name)
        for file in [*ROOT.glob("providers/*/testing.py"), *ROOT.glob("cloudk8s/testing/contract/*.py")]:
            function.can_block_in(str(file), _Any())
    watch.activate()
    return watch


class _Any(frozenset[str]):
    """Every name: contract suite and worlds look at a cloud themselves, between the turns of the controllers."""

    def __contains__(self, name: object) -> bool:
        return True
