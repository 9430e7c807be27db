from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of
from cloudk8s.client.resources import ENDPOINTS, PODS, SERVICES
from cloudk8s.controllers.endpoints import EndpointsController
from tests.controllers.harness import NS, Harness, ready_pod, refusing, running, service


def subsets(run: Harness, name: str = "web") -> list[Object]:
    found: list[Object] = run.get(ENDPOINTS, name).get("subsets", [])
    return found


async def test_ready_and_not_ready_addresses_are_listed_apart() -> None:
    objects = [
        service("web", labels={"a": "b"}, ports=[{"name": "http", "port": 80, "targetPort": 8080}]),
        ready_pod("good", "10.0.0.1", node="n1"),
        ready_pod("bad", "10.0.0.2", ready=False),
    ]
    async with running(EndpointsController, objects=objects) as run:
        await run.settle()
        uid = run.get(PODS, "good")["metadata"]["uid"]
        (subset,) = subsets(run)
        assert subset["addresses"] == [
            {
                "ip": "10.0.0.1",
                "nodeName": "n1",
                "targetRef": {"kind": "Pod", "namespace": NS, "name": "good", "uid": uid},
            }
        ]
        assert [address["ip"] for address in subset["notReadyAddresses"]] == ["10.0.0.2"]
        assert subset["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
        assert labels_of(run.get(ENDPOINTS, "web")) == {
            "a": "b",
            "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        }


async def test_named_ports_that_differ_between_pods_make_two_subsets() -> None:
    objects = [
        service("web", ports=[{"port": 80, "targetPort": "web"}]),
        ready_pod("a", "10.0.0.1", ports=[{"name": "web", "containerPort": 8080}]),
        ready_pod("b", "10.0.0.2", ports=[{"name": "web", "containerPort": 9090}]),
    ]
    async with running(EndpointsController, objects=objects) as run:
        await run.settle()
        assert [subset["ports"][0]["port"] for subset in subsets(run)] == [8080, 9090]


async def test_terminating_pods_are_left_out() -> None:
    async with running(EndpointsController, objects=[service("web"), ready_pod("p", "10.0.0.1", node="n1")]) as run:
        run.has_kubelet = False
        await run.settle()
        await run.client.delete(PODS, "p", namespace=NS)
        await run.settle()
        assert subsets(run) == []


async def test_empty_endpoints_exist_and_go_with_their_service() -> None:
    async with running(EndpointsController, objects=[service("web")]) as run:
        await run.settle()
        assert subsets(run) == []
        await run.client.delete(SERVICES, "web", namespace=NS)
        await run.settle()
        assert run.names(ENDPOINTS) == []


async def test_leftovers_are_deleted_but_not_locks_nor_those_of_bare_services() -> None:
    def endpoints(name: str, **annotations: str) -> Object:
        metadata = {"name": name, "namespace": NS, "annotations": annotations}
        return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}

    lock = endpoints("lock", **{"control-plane.alpha.kubernetes.io/leader": "x"})
    objects = [endpoints("left"), lock, endpoints("bare"), service("bare", selector=None)]
    async with running(EndpointsController, objects=objects) as run:
        await run.settle()
        assert run.names(ENDPOINTS) == ["bare", "lock"]


async def test_more_than_a_thousand_addresses_are_cut() -> None:
    pods = [ready_pod(f"p{n}", f"10.{n // 250}.0.{n % 250 + 1}") for n in range(1005)]
    async with running(EndpointsController, objects=[service("web"), *pods]) as run:
        await run.settle()
        assert sum(len(subset["addresses"]) for subset in subsets(run)) == 1000
        assert annotations_of(run.get(ENDPOINTS, "web"))["endpoints.kubernetes.io/over-capacity"] == "truncated"


async def test_a_headless_service_without_ports_has_addresses() -> None:
    objects = [service("web", clusterIP="None", ports=[]), ready_pod("p", "10.0.0.1")]
    async with running(EndpointsController, objects=objects) as run:
        await run.settle()
        assert [list(subset) for subset in subsets(run)] == [["addresses"]]
        assert "service.kubernetes.io/headless" in labels_of(run.get(ENDPOINTS, "web"))


async def test_what_cannot_be_written_is_said() -> None:
    async with running(EndpointsController) as run:
        stop = run.client.on(refusing(ENDPOINTS))
        run.client.add(service("web"))
        await run.settle()
        note = "Failed to create endpoint for service default/web: no"
        assert set(run.events("web")) == {("FailedToCreateEndpoint", note)}
        stop()
        await run.settle(3)
        run.client.on(refusing(ENDPOINTS))
        run.client.add(ready_pod("p", "10.0.0.1"))
        await run.settle()
        assert ("FailedToUpdateEndpoint", "Failed to update endpoint default/web: no") in run.events("web")


async def test_what_others_change_is_put_right() -> None:
    async with running(EndpointsController, objects=[service("web"), ready_pod("p", "10.0.0.1")]) as run:
        await run.settle()
        await run.client.patch(ENDPOINTS, "web", {"subsets": None}, namespace=NS)
        await run.settle()
        assert len(subsets(run)) == 1


async def test_endpoints_that_somebody_keeps_by_hand_may_be_changed() -> None:
    async with running(EndpointsController) as run:
        await run.settle()
        made = {
            "metadata": {"name": "mine"},
            "subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"port": 80}]}],
        }
        await run.client.create(ENDPOINTS, made, namespace=NS)
        await run.settle()
        await run.client.patch(ENDPOINTS, "mine", {"metadata": {"labels": {"a": "b"}}}, namespace=NS)
        await run.settle()
        assert run.names(ENDPOINTS) == ["mine"]
