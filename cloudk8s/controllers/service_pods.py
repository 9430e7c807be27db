"""Which Services select a pod, and how a Service's ports and addresses look on it: for both endpoints controllers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, key_of, labels_of, name_of, namespace_of, spec_of, status_of, uid_of
from cloudk8s.controllers.pods import is_ready, is_terminal
from cloudk8s.controllers.selected_pods import BY_LABEL, label_pairs

Family = Literal["IPv4", "IPv6"]

BY_SELECTOR = "selector"
HEADLESS_LABEL = "service.kubernetes.io/headless"


class ServicePods:
    """Services and pods found by each other through indexes: a pod event costs as much as the pod has labels."""

    def __init__(self, services: Informer, pods: Informer) -> None:
        self._services = services
        self._pods = pods
        services.add_index(BY_SELECTOR, _first_selector_pair)
        pods.add_index(BY_LABEL, label_pairs)

    def services_of(self, pod: Object) -> set[str]:
        """Keys of the Services that select the pod."""
        namespace, labels = namespace_of(pod), labels_of(pod)
        found: set[str] = set()
        for name, value in labels.items():
            for service in self._services.by_index(BY_SELECTOR, f"{namespace}/{name}={value}"):
                if selector_of(service).items() <= labels.items():
                    found.add(key_of(service))
        return found

    def pods_of(self, service: Object) -> list[Object]:
        """The pods that the Service selects."""
        selector = selector_of(service)
        candidates = min(
            (f"{namespace_of(service)}/{name}={value}" for name, value in selector.items()),
            key=lambda pair: self._pods.count(BY_LABEL, pair),
        )
        pods = self._pods.by_index(BY_LABEL, candidates)
        return [pod for pod in pods if selector.items() <= labels_of(pod).items()]

    def affected(self, old: Object | None, new: Object | None) -> set[str]:
        """Keys of the Services whose endpoints a change of a pod may alter."""
        if old is None or new is None:
            pod = new or old
            return self.services_of(pod) if pod is not None else set()
        if labels_of(old) != labels_of(new):
            return self.services_of(old) | self.services_of(new)
        return self.services_of(new) if _looks(old) != _looks(new) else set()


def selector_of(service: Object) -> Mapping[str, str]:
    return spec_of(service).get("selector") or {}


def is_managed(service: Object) -> bool:
    """Whether controllers make its endpoints: it selects pods and is not just a name."""
    return bool(selector_of(service)) and spec_of(service).get("type") != "ExternalName"


def is_headless(service: Object) -> bool:
    return spec_of(service).get("clusterIP") == "None"


def publishes_not_ready(service: Object) -> bool:
    return bool(spec_of(service).get("publishNotReadyAddresses"))


def families_of(service: Object) -> Sequence[Family]:
    """The address families of a Service, the primary one first."""
    families = spec_of(service).get("ipFamilies")
    if families:
        return list(families)
    address = spec_of(service).get("clusterIP")
    return [family_of(address)] if address and address != "None" else ["IPv4"]


@lru_cache(maxsize=65536)
def family_of(address: str) -> Family:
    return "IPv6" if ipaddress.ip_address(address).version == 6 else "IPv4"


def addresses_of(pod: Object, family: Family) -> list[str]:
    """The pod's addresses of one family."""
    status = status_of(pod)
    listed = [item["ip"] for item in status.get("podIPs") or () if item.get("ip")]
    if not listed and status.get("podIP"):
        listed = [status["podIP"]]
    return [address for address in listed if family_of(address) == family]


def belongs(pod: Object, *, include_terminating: bool) -> bool:
    """Whether a selected pod is an endpoint at all."""
    if is_terminal(pod) or not (status_of(pod).get("podIP") or status_of(pod).get("podIPs")):
        return False
    return include_terminating or not is_deleting(pod)


def hostname_of(pod: Object, service: Object) -> str:
    """The name that DNS has for the pod under this (headless) Service."""
    spec = spec_of(pod)
    if spec.get("hostname") and spec.get("subdomain") == name_of(service):
        return str(spec["hostname"])
    return ""


def target_of(pod: Object) -> dict[str, str]:
    """The `targetRef` of an endpoint."""
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}


def target_port(pod: Object, port: Mapping[str, Any]) -> int | None:
    """The container port that a Service port means on this pod; None if the pod has no port of that name."""
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target or int(port["port"])
    protocol = port.get("protocol") or "TCP"
    for container in _containers(pod):
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and (candidate.get("protocol") or "TCP") == protocol:
                return int(candidate["containerPort"])
    return None


def _containers(pod: Object) -> Iterable[Mapping[str, Any]]:
    yield from spec_of(pod).get("containers") or ()
    yield from (c for c in spec_of(pod).get("initContainers") or () if c.get("restartPolicy") == "Always")


def _looks(pod: Object) -> tuple[Any, ...]:
    """What an endpoint is made of."""
    status, spec = status_of(pod), spec_of(pod)
    return (
        is_ready(pod), is_deleting(pod), is_terminal(pod), status.get("podIPs"), status.get("podIP"),
        spec.get("nodeName"), spec.get("hostname"), uid_of(pod),
    )  # fmt: skip


def _first_selector_pair(service: Object) -> Iterable[str]:
    if not is_managed(service):
        return ()
    name, value = min(selector_of(service).items())
    return (f"{namespace_of(service)}/{name}={value}",)
