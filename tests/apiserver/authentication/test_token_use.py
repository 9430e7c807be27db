from __future__ import annotations

import asyncio
from pathlib import Path

from cloudk8s.apiserver.authentication.legacy_token import LAST_USED
from cloudk8s.apiserver.authentication.token_use import TokenUse
from cloudk8s.client.objects import labels_of
from cloudk8s.client.resources import SECRETS
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings


async def test_the_day_of_use_is_noted_once(tmp_path: Path) -> None:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        client = server.client("system:test", "system:masters")
        made = await client.create(SECRETS, {"metadata": {"name": "token"}}, namespace="kube-system")
        use = TokenUse(server.core)
        today = SystemClock().now().date().isoformat()
        for _ in range(2):
            use.note(made)
        async with asyncio.timeout(5):
            while LAST_USED not in labels_of(found := await client.get(SECRETS, "token", namespace="kube-system")):
                await asyncio.sleep(0.01)
        assert labels_of(found) == {LAST_USED: today}
        use.note(found)
        await asyncio.sleep(0.05)
        again = await client.get(SECRETS, "token", namespace="kube-system")
        assert again["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
