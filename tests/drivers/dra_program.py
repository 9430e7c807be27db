"""A driver of dynamic resources, whose devices are CDI files.

Run as a program it serves until it is ended: python -m tests.drivers.dra_program SOCKET REGISTRY CDI
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cloudk8s.drivers.dra import CODEC
from tests.drivers.csi_program import registered
from tests.drivers.grpc_program import Document, serving, unary

NAME = "dice.example.com"


@dataclass
class DiceDriver:
    """Each claim gets one device, which tells the container its name."""

    cdi: Path
    error: str = ""
    requests: list[str] = field(default_factory=lambda: ["die"])
    calls: list[tuple[str, str]] = field(default_factory=list)

    async def prepare(self, request: Document) -> Document:
        answers: Document = {}
        for claim in request["claims"]:
            self.calls.append(("prepare", claim["name"]))
            if self.error:
                answers[claim["uid"]] = {"error": self.error}
                continue
            self._describe(claim["uid"], claim["name"])
            device = {
                "request_names": self.requests, "pool_name": "n1", "device_name": "die-0",
                "cdi_device_ids": [f"example.com/die={claim['uid']}"],
            }  # fmt: skip
            answers[claim["uid"]] = {"devices": [device]}
        return {"claims": answers}

    async def unprepare(self, request: Document) -> Document:
        for claim in request["claims"]:
            self.calls.append(("unprepare", claim["name"]))
        return {"claims": {claim["uid"]: {} for claim in request["claims"]}}

    def _describe(self, uid: str, name: str) -> None:
        self.cdi.mkdir(exist_ok=True)
        device = {"name": uid, "containerEdits": {"env": [f"DIE={name}"]}}
        spec = {
            "cdiVersion": "0.6.0",
            "kind": "example.com/die",
            "devices": [device],
            "containerEdits": {"env": ["DICE=yes"]},
        }
        (self.cdi / f"{uid}.json").write_text(json.dumps(spec))


@asynccontextmanager
async def running(driver: DiceDriver, socket: Path, registry: Path, told: list[Document]) -> AsyncIterator[None]:
    """The driver serves and is registered."""
    methods = {
        "NodePrepareResources": unary(
            CODEC, "NodePrepareResourcesRequest", "NodePrepareResourcesResponse", driver.prepare
        ),
        "NodeUnprepareResources": unary(
            CODEC, "NodeUnprepareResourcesRequest", "NodeUnprepareResourcesResponse", driver.unprepare
        ),
    }
    versions = ["v1.DRAPlugin"]
    service = {"k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin": methods}
    registration = registered(registry, "DRAPlugin", NAME, socket, versions, told)
    async with serving(socket, service), registration:
        yield


async def _main(socket: Path, registry: Path, cdi: Path) -> None:
    driver = DiceDriver(cdi)
    async with running(driver, socket, registry, []):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*map(Path, sys.argv[1:4])))
