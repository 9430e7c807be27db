"""How the suite is shared out among processes, and what no test may do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blocking import watch_for_blocking

HOST = "host"
"""Whatever makes bridges, routes and tables in this host's own namespace takes turns in one process."""
ON_THE_HOST = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "aws_user_data", "crash_leaves_nothing", "csi", "devices", "dual_stack", "examples", "local_cluster", "make_up",
        "network", "node", "nodes_apart", "pod_features", "pod_sessions", "pressure", "runtimes", "services",
        "shared_network", "shutdown",
        "usage", "volumes", "without_root",
    )
)  # fmt: skip


def pytest_configure() -> None:
    watch_for_blocking()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, and those on the host's network all of them."""
    from xdist.scheduler import LoadFileScheduling

    class TakingTurns(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = nodeid.split("::", 1)[0]
            return HOST if file in ON_THE_HOST or file.startswith("tests/node/runtimes/cri/") else file

    return TakingTurns(config, log)
