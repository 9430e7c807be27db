from __future__ import annotations

from cloudk8s.client.objects import annotations_of
from cloudk8s.client.resources import NODES
from cloudk8s.controllers.node_ttl import NodeTTLController
from tests.controllers.harness import Harness, node, running


def ttls(run: Harness) -> set[str | None]:
    return {annotations_of(item).get("node.alpha.kubernetes.io/ttl") for item in run.client.all(NODES)}


async def test_the_more_nodes_the_longer() -> None:
    async with running(NodeTTLController, objects=[node(f"n{i}") for i in range(100)]) as run:
        await run.settle(6)
        assert ttls(run) == {"0"}
        run.client.add(node("one-more"))
        await run.settle(6)
        assert ttls(run) == {"15"}
        for index in range(11):
            await run.client.delete(NODES, f"n{index}")
        await run.settle(6)
        assert ttls(run) == {"15"}, "it does not go back and forth at the boundary"
        await run.client.delete(NODES, "n11")
        await run.settle(6)
        assert ttls(run) == {"0"}
