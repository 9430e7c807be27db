from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as running:
        yield Cluster(running)
