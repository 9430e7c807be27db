"""The services that pods see in their environment."""

from __future__ import annotations

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.node.containers import service_env


class ServiceVariables:
    """Reads the services' informer, which must have synced before a pod starts."""

    def __init__(self, services: Informer) -> None:
        self._services = services

    def __call__(self, pod: Object) -> dict[str, str]:
        namespace = namespace_of(pod)
        seen = [*self._services.list(service_env.MASTER_NAMESPACE)]
        if namespace != service_env.MASTER_NAMESPACE:
            seen += self._services.list(namespace)
        with_links = spec_of(pod).get("enableServiceLinks") is not False
        return service_env.service_environment(seen, namespace, with_links=with_links)
