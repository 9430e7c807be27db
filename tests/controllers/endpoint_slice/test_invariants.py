"""Slices in bad weather: no address twice, none too many in a slice, and in the end the pods that there are."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import DeleteOptions
from cloudk8s.client.objects import labels_of, name_of
from cloudk8s.client.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES
from cloudk8s.controllers.endpoint_slice.controller import EndpointSliceController
from cloudk8s.controllers.endpoints import EndpointsController
from cloudk8s.controllers.pods import is_ready
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.harness import NS, ready_pod, service
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

steps = st.lists(
    st.sampled_from(("more", "fewer", "unready", "restart", "port", "selector", "hands", "wait")), max_size=10
)
OPTIONS = ControllerSettings(max_endpoints_per_slice=3)


@STORMY
@given(seeds, weathers(), steps)
def test_slices_come_to_say_what_there_is(seed: int, weather: Weather, doing: list[str]) -> None:
    asyncio.run(_serve(seed, weather, doing))


async def _serve(seed: int, weather: Weather, doing: list[str]) -> None:
    factories = (EndpointSliceController, EndpointsController)
    async with storm(*factories, seed=seed, weather=weather, objects=[service("web")], options=OPTIONS) as run:
        made = 0
        for step in doing:
            made = await _do(run, step, made)
            await run.pass_time(run.random.choice((0.1, 1, 5)))
        await run.clear_up(60)
        _assert_done(run)


async def _do(run: Storm, step: str, made: int) -> int:
    names = [name_of(pod) for pod in run.client.all(PODS)]
    match step:
        case "more":
            for _ in range(run.random.randint(1, 5)):
                made += 1
                run.client.add(ready_pod(f"p{made}", f"10.0.0.{made}", ready=run.random.random() < 0.7))
        case "fewer" if names:
            for name in run.random.sample(names, run.random.randint(1, len(names))):
                await run.client.delete(PODS, name, namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        case "unready" if names:
            await run.harness.set_pod(run.harness.get(PODS, run.random.choice(names)), ready=run.random.random() < 0.5)
        case "port":
            ports = [{"port": 80, "targetPort": run.random.choice((80, 8080))}]
            await run.client.patch(SERVICES, "web", {"spec": {"ports": ports}}, namespace=NS)
        case "selector":
            selector = {"app": run.random.choice(("web", "none"))}
            await run.client.patch(SERVICES, "web", {"spec": {"selector": selector}}, namespace=NS)
        case "hands":
            for item in run.client.all(ENDPOINT_SLICES)[:1]:
                await run.client.delete(ENDPOINT_SLICES, name_of(item), namespace=NS)
        case "restart":
            await run.restart()
        case _:
            await run.pass_time(5)
    return made


def _assert_done(run: Storm) -> None:
    spec = run.harness.get(SERVICES, "web")["spec"]
    pods = [pod for pod in run.client.all(PODS) if spec["selector"].items() <= labels_of(pod).items()]
    wanted = {pod["status"]["podIP"]: is_ready(pod) for pod in pods}
    slices = run.client.all(ENDPOINT_SLICES)
    found = [endpoint for item in slices for endpoint in item["endpoints"] or ()]
    assert max(Counter(endpoint["addresses"][0] for endpoint in found).values(), default=1) == 1
    assert {endpoint["addresses"][0]: endpoint["conditions"]["ready"] for endpoint in found} == wanted
    assert all(len(item["endpoints"] or ()) <= 3 for item in slices)
    port = spec["ports"][0]["targetPort"]
    assert {item["ports"][0]["port"] for item in slices if item["endpoints"]} <= {port}
    subsets = run.harness.get(ENDPOINTS, "web").get("subsets") or ()
    listed = {item["ip"]: True for subset in subsets for item in subset.get("addresses") or ()}
    listed |= {item["ip"]: False for subset in subsets for item in subset.get("notReadyAddresses") or ()}
    assert listed == wanted
