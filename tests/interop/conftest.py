"""Crosswise control planes for the tests of this folder, each started once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.interop.clusters import Cluster, crosswise
from tests.interop.kubectl import Kubectl
from tests.interop.upstream import Upstream, program_or_skip, upstream_or_skip


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    program_or_skip("kubectl")
    return upstream_or_skip()


@pytest.fixture(scope="session", params=["our-apiserver", "upstream-apiserver"])
def cluster(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Upstream's controllers and scheduler on our API server; then ours on upstream's."""
    folder = tmp_path_factory.mktemp(request.param)
    with crosswise(folder, upstream, is_upstream=request.param == "upstream-apiserver") as cluster:
        yield cluster


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, deleted without waiting."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.lower())[:50].strip("-")
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
