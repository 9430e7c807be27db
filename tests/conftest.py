"""How the suite is shared out among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
HOST = "host"
"""Whatever makes bridges, routes and tables in this host's own namespace takes turns in one process."""
ON_THE_HOST = {
    "e2e/test_aws_user_data.py", "e2e/test_crash_leaves_nothing.py", "e2e/test_csi.py", "e2e/test_devices.py",
    "e2e/test_dual_stack.py", "e2e/test_examples.py", "e2e/test_local_cluster.py", "e2e/test_network.py",
    "e2e/test_node.py", "e2e/test_nodes_apart.py", "e2e/test_pod_sessions.py", "e2e/test_usage.py",
    "e2e/test_volumes.py", "e2e/test_without_root.py",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`: a file's tests stay together, and those on the host's network all of them."""
    for item in items:
        place = item.path.relative_to(ROOT).as_posix() if item.path.is_relative_to(ROOT) else str(item.path)
        is_on_host = place in ON_THE_HOST or place.startswith("node/runtimes/cri/")
        item.add_marker(pytest.mark.xdist_group(HOST if is_on_host else place))
