"""Components of one side outlive a crash of the other side's API server, and go on where they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.clusters import crosswise
from tests.interop.objects import workload
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("is_upstream", [False, True], ids=["our-apiserver", "upstream-apiserver"])
def test_components_go_on_after_the_api_server_was_killed(
    upstream: Upstream, tmp_path: Path, is_upstream: bool
) -> None:
    with crosswise(tmp_path, upstream, is_upstream=is_upstream) as cluster:
        kubectl, processes = cluster.kubectl, cluster.processes
        kubectl.apply(workload("Deployment", "web", 2))
        kubectl("rollout", "status", "deployment/web", "--timeout=45s")
        before = {name: process.pid for name, process in processes.running.items() if name != "apiserver"}
        processes.kill("apiserver")
        processes.start_again("apiserver")
        eventually(lambda: kubectl.run("get", "--raw", "/readyz").returncode == 0, seconds=60)
        kubectl("scale", "deployment/web", "--replicas=4")
        kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        kubectl("delete", "deployment", "web", "--timeout=45s")
        eventually(lambda: not kubectl.items("pods"), seconds=60)
        assert all(processes.running[name].poll() is None for name in before), "none had to be started again"
