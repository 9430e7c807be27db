from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting
from cloudk8s.client.resources import JOBS
from cloudk8s.controllers.ttl_after_finished import TTLAfterFinishedController
from tests.controllers.harness import NS, running


def job(name: str, *, ttl: int | None, type: str = "Complete") -> Object:
    finished = {"type": type, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    spec: dict[str, Any] = {"template": {}} | ({} if ttl is None else {"ttlSecondsAfterFinished": ttl})
    metadata = {"name": name, "namespace": NS}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": spec,
        "status": {"conditions": [finished]},
    }


async def test_finished_jobs_go_when_their_time_is_up() -> None:
    objects = [job("soon", ttl=5), job("late", ttl=100), job("never", ttl=None), job("failed", ttl=0, type="Failed")]
    async with running(TTLAfterFinishedController, objects=[*objects, job("runs", ttl=0, type="Suspended")]) as run:
        await run.settle(1)

        def going() -> list[str]:
            return [o["metadata"]["name"] for o in run.client.all(JOBS) if is_deleting(o)]

        assert going() == ["failed"]
        await run.settle(5)
        assert going() == ["failed", "soon"]
        assert run.get(JOBS, "soon")["metadata"]["finalizers"] == ["foregroundDeletion"]
        await run.settle(100, step=5)
        assert going() == ["failed", "late", "soon"]


async def test_a_longer_time_given_later_counts() -> None:
    async with running(TTLAfterFinishedController, objects=[job("job", ttl=10)]) as run:
        await run.settle(5)
        await run.client.patch(JOBS, "job", {"spec": {"ttlSecondsAfterFinished": 50}}, namespace=NS)
        await run.settle(10)
        assert not is_deleting(run.get(JOBS, "job"))
        await run.settle(40)
        assert is_deleting(run.get(JOBS, "job"))
