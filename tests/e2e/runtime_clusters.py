"""Clusters whose pods one runtime or another runs, with an image that the tests make."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e import tools_image
from tests.e2e.conftest import Cluster, cloudk8s, started
from tests.node.runtimes.cri.containerd import import_image, is_installed, running_containerd


@contextmanager
def cluster_on(runtime: str, home: Path, *options: str) -> Iterator[Cluster]:
    """A cluster with `host` or `cri`; the latter on a containerd of its own."""
    archive = tools_image.build(home / "tools.tar")
    name = f"{runtime}-{home.name[:20]}".replace("_", "-").lower()
    with ExitStack() as stack:
        if runtime == "cri":
            if not is_installed():
                pytest.skip("containerd, runc or the CNI plugins are not installed")
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ctd", ignore_cleanup_errors=True)))
            endpoint = stack.enter_context(running_containerd(state))
            import_image(state, archive)
            options = (*options, "--runtime", "cri", "--runtime-endpoint", endpoint)
        cluster = started(home, name, *options)
        stack.callback(cloudk8s, cluster.environment, "down", "--name", name, "--purge")
        if runtime == "host":
            cloudk8s(cluster.environment, "image", "load", str(archive), "--name", name)
        cluster.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
        yield cluster
