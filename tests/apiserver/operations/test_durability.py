"""Which writes are on the disk before they are acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.settings import ClusterSettings
from cloudk8s.storage.interface import Store, Write
from tests.apiserver.admission.cluster import ADMIN

DEFAULT = "namespaces/default"
LEASES = f"/apis/coordination.k8s.io/v1/{DEFAULT}/leases"
MERGE = {"content-type": "application/merge-patch+json"}


def seen_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is written from now on: resource and durability."""
    written: list[tuple[str, str]] = []
    write = store.write

    def noted(change: Write) -> Any:
        written.append((change.key.split("/")[-3], change.durability))
        return write(change)

    monkeypatch.setattr(store, "write", noted)
    return written


async def test_only_events_and_leases_may_lose_their_last_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store=f"sqlite:///{tmp_path / 'store.db'}")
    async with running_api_server(settings) as server:
        written = seen_writes(server.core.store, monkeypatch)
        api = server.assembly.local(ADMIN, agent="test")
        involved = {"kind": "Pod", "name": "p", "namespace": "default"}
        event = {"metadata": {"name": "e"}, "involvedObject": involved}
        for path, body in (
            (LEASES, {"metadata": {"name": "l"}}),
            (f"/api/v1/{DEFAULT}/events", event),
            (f"/api/v1/{DEFAULT}/configmaps", {"metadata": {"name": "c"}}),
        ):
            name = body["metadata"]["name"]
            await api.call("POST", path, body=body)
            await api.call("PATCH", f"{path}/{name}", body={"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
            await api.call("DELETE", f"{path}/{name}")
    assert written[:6] == [("leases", "relaxed")] * 3 + [("events", "relaxed")] * 3
    assert written[6:9] == [("configmaps", "durable")] * 3
