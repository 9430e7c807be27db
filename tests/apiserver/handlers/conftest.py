"""A running server without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.apiserver.local import LocalApi
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        yield server.assembly.local(ADMIN, agent="test")
