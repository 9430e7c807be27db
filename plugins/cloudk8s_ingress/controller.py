"""The controller: Ingresses of our class become nginx's configuration, and learn their address.

Anything that an Ingress depends on wakes one loop, which makes the whole configuration anew; nginx is started with the
first Ingress, so a cluster without any has no proxy. It works where pods run on this host, in a cluster of this host.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudk8s.plugin.controllers import (
    AlreadyExists,
    Client,
    Conflict,
    ControllerContext,
    NotFound,
    Object,
    Resource,
)
from cloudk8s_ingress.certificates import self_signed
from cloudk8s_ingress.configuration import Directories, Listen, files
from cloudk8s_ingress.lookup import Lookup
from cloudk8s_ingress.places import place
from cloudk8s_ingress.process import Nginx, ProxyError
from cloudk8s_ingress.routes import Problem, Routes
from cloudk8s_ingress.rules import routes_of

INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
CLASSES: Final = Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)
SERVICES: Final = Resource("", "v1", "services", "Service")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")

CLASS: Final = "cloudk8s"
CONTROLLER: Final = "cloudk8s.io/ingress"
DEFAULT: Final = "ingressclass.kubernetes.io/is-default-class"
LEGACY_CLASS: Final = "kubernetes.io/ingress.class"
SETTINGS: Final = ("kube-system", "cloudk8s-ingress")
"""ConfigMap with `address`, `http-port` and `https-port`, read when the proxy starts."""
_COLLECT_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 5.0


class IngressController:
    """Fulfils `Controller`."""

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._clock = context.client, context.clock
        self._events = context.events.for_component("ingress")
        self._is_own_cluster = context.settings.data_dir != Path()
        of = context.informers.of
        self._ingresses, self._classes, self._nodes = of(INGRESSES), of(CLASSES), of(NODES)
        slices, services = of(SLICES), of(SERVICES)
        secrets = of(SECRETS, field_selector="type=kubernetes.io/tls")
        self._lookup = Lookup(services, slices, secrets)
        self._changed = asyncio.Event()
        for informer in (self._ingresses, self._classes, self._nodes, services, slices, secrets):
            informer.add_handler(lambda old, new: self._changed.set())
        is_elsewhere = bool(context.on_node([]))
        self._directories = _directories(context.settings.data_dir, context.settings.name, is_elsewhere=is_elsewhere)
        self._nginx = Nginx(self._directories, on_node=context.on_node)
        self._listen: Listen | None = None
        self._default = self_signed(context.clock.now()) if self._is_own_cluster else None
        self._told: set[Problem] = set()

    async def run(self) -> None:
        has_class = False
        try:
            while True:
                await self._changed.wait()
                await self._clock.sleep(_COLLECT_SECONDS)
                self._changed.clear()
                if not self._is_own_cluster or not self._has_kubelet():
                    continue
                if not has_class:
                    await ensure_class(self._client)
                    has_class = True
                await self._serve()
        finally:
            await self._nginx.stop()

    async def _serve(self) -> None:
        ours = [ingress for ingress in self._ingresses.list() if self._is_ours(ingress)]
        if not ours and not self._nginx.is_running:
            return
        routes = routes_of(ours, self._lookup)
        try:
            listen = await self._apply(routes)
        except ProxyError as error:
            self._tell(ours, [Problem(_key(ingress), "NotServed", str(error)) for ingress in ours])
            await self._clock.sleep(_RETRY_SECONDS)
            self._changed.set()
            return
        self._tell(ours, routes.problems)
        for ingress in ours:
            await self._publish(ingress, listen)

    async def _apply(self, routes: Routes) -> Listen:
        assert self._default is not None
        if self._listen is None:
            self._listen = await asyncio.to_thread(place, await self._said())
        await self._nginx.apply(files(routes, self._listen, self._directories, self._default))
        return self._listen

    async def _said(self) -> dict[str, str]:
        namespace, name = SETTINGS
        try:
            found = await self._client.get(CONFIG_MAPS, name, namespace=namespace)
        except NotFound:
            return {}
        return dict(found.get("data") or {})

    async def _publish(self, ingress: Object, listen: Listen) -> None:
        ports = [{"port": port, "protocol": "TCP"} for port in (listen.http, listen.https)]
        status = {"loadBalancer": {"ingress": [{"ip": listen.address, "ports": ports}]}}
        if ingress.get("status") == status:
            return
        metadata = ingress["metadata"]
        try:
            await self._client.patch(
                INGRESSES, metadata["name"], {"status": status}, namespace=metadata["namespace"], subresource="status"
            )
        except (NotFound, Conflict):
            return

    def _tell(self, ingresses: Sequence[Object], problems: Sequence[Problem]) -> None:
        """Each problem once, as long as it lasts."""
        by_key = {_key(ingress): ingress for ingress in ingresses}
        for problem in problems:
            if problem not in self._told and problem.ingress in by_key:
                self._events.warning(by_key[problem.ingress], problem.reason, problem.text)
        self._told = set(problems)

    def _is_ours(self, ingress: Object) -> bool:
        wanted = ingress["spec"].get("ingressClassName")
        if wanted is None:
            return bool((ingress["metadata"].get("annotations") or {}).get(LEGACY_CLASS) == CLASS)
        found = self._classes.get(wanted)
        return found is not None and found["spec"].get("controller") == CONTROLLER

    def _has_kubelet(self) -> bool:
        """Pods of simulated nodes have nothing to serve."""
        endpoints = ((node.get("status") or {}).get("daemonEndpoints") or {} for node in self._nodes.list())
        return any((each.get("kubeletEndpoint") or {}).get("Port") for each in endpoints)


async def ensure_class(client: Client) -> None:
    """Make the class, the default one, where there is none of that name; one that a user changed stays as it is."""
    metadata = {"name": CLASS, "annotations": {DEFAULT: "true"}}
    spec = {"controller": CONTROLLER}
    try:
        await client.get(CLASSES, CLASS)
    except NotFound:
        try:
            await client.create(CLASSES, {"metadata": metadata, "spec": spec})
        except AlreadyExists:
            return


def _directories(data: Path, cluster: str, *, is_elsewhere: bool) -> Directories:
    """Workers of an administrator's nginx are somebody else, who may not enter the cluster's directory.

    Within a user namespace there may be nobody else; the administrator there is the user.
    """
    own = data / "ingress"
    scratch = Path(f"/run/cloudk8s-ingress-{cluster}") if os.geteuid() == 0 else own / "scratch"
    return Directories(own, scratch, user="root" if is_elsewhere else "")


def _key(ingress: Object) -> str:
    return f"{ingress['metadata']['namespace']}/{ingress['metadata']['name']}"
