"""The Ingress controller: one application load balancer for each group of Ingresses.

Ingresses, classes, Services, endpoints and nodes, all from caches → a request for the group → the engine → the host
name on every member. Nothing is called while the request is the same, but for repairs once in a while.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from cloudk8s.client.followed import Followed, Reference
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    finalizers_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    spec_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import ENDPOINT_SLICES, INGRESS_CLASSES, INGRESSES, NODES, SECRETS, SERVICES
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.service_nodes import takes_traffic
from cloudk8s.cloud.controllers.service_targets import pod_targets, services_of
from cloudk8s.cloud.stack.resource import digest
from cloudk8s.errors import NotFound
from cloudk8s.machinery.codec import encode_canonical
from cloudk8s.plugin import (
    Calls,
    CloudError,
    CloudForbidden,
    ControllerContext,
    PodTarget,
    QuotaExceeded,
    RetryLater,
    Unsupported,
)
from cloudk8s_aws.ingress.authentication import ClientSecret, read_secret, secret_of
from cloudk8s_aws.ingress.contract import AwsIngresses
from cloudk8s_aws.ingress.group import (
    FINALIZER,
    GROUP_FINALIZER,
    PREFIX,
    IngressGroup,
    group_key,
    group_of,
    is_ours,
    leftover_finalizers,
)
from cloudk8s_aws.ingress.model import AlbRequest, Backends
from cloudk8s_aws.ingress.options import alb_options
from cloudk8s_aws.ingress.writer import IngressWriter

WORKERS = 8
FIRST_RETRY, LAST_RETRY = 5.0, 300.0
RETRY_LATE = timedelta(minutes=5)
REPAIR = timedelta(minutes=30)
WINDOW = timedelta(milliseconds=500)
BY_SERVICE = "ingress backends"
log = logging.getLogger(__name__)


class IngressController:
    """A queue of groups. A group is worked on when anything that its request is made of changes."""

    def __init__(self, context: ControllerContext, calls: Calls, ingresses: AwsIngresses, *, cluster: str) -> None:
        self._calls, self._cloud, self._cluster = calls, ingresses, cluster
        self._events = context.events.for_component("ingress")
        self._client = context.client
        self._writer = IngressWriter(context.client)
        self._ingresses = context.informers.of(INGRESSES)
        self._classes = context.informers.of(INGRESS_CLASSES)
        self._services = context.informers.of(SERVICES)
        self._nodes = context.informers.of(NODES)
        self._slices = context.informers.of(ENDPOINT_SLICES)
        self._queue: WorkQueue[str] = WorkQueue(
            "ingress",
            clock=context.clock,
            instruments=context.instruments,
            base_delay=FIRST_RETRY,
            max_delay=LAST_RETRY,
        )
        self._followed = Followed(context.informers, on_change=self._queue.add)
        """Each Secret alone that a group signs in with: the others are nobody's business."""
        self._clock = context.clock
        self._random = random.Random()
        self._digests: dict[str, tuple[str, float]] = {}
        self._owners: dict[str, str] = {}
        self._slices.add_index(BY_SERVICE, services_of)
        self._ingresses.add_handler(self._on_ingress)
        self._classes.add_handler(lambda old, new: self._all())
        self._nodes.add_handler(self._on_node)
        self._services.add_handler(lambda old, new: self._of_services([key_of(new or old or {})]))
        self._slices.add_handler(self._on_slice)

    async def run(self) -> None:
        self._all()
        await run_workers(self._queue, WORKERS, self.reconcile)

    async def reconcile(self, key: str) -> timedelta | None:
        """Bring the load balancer of one group in order; returns when to look again."""
        present = self._members(key)
        group = group_of(key, (entry for entry in present if self._wants(entry, key)))
        try:
            if group.members:
                await self._ensure(group)
            await self._leave(key, group, present)
        except RetryLater as error:
            return error.after
        except Unsupported as error:
            self._complain(group.members or present, error)
            return None
        except (CloudForbidden, QuotaExceeded) as error:
            self._complain(group.members or present, error)
            return RETRY_LATE
        except CloudError as error:
            self._complain(group.members or present, error)
            raise
        return REPAIR * (1 + self._random.random() / 5) if group.members else None

    async def _ensure(self, group: IngressGroup) -> None:
        options = alb_options(group)
        backends = self._backends(group)
        backends = replace(backends, secrets=await self._secrets(group, backends))
        request = AlbRequest(self._cluster, group, options, backends)
        for ingress in group.members:
            await self._writer.claim(ingress, group.finalizer)
        wanted = _digest(request)
        known, since = self._digests.get(group.key, ("", 0.0))
        if known == wanted and self._clock.monotonic() - since < REPAIR.total_seconds():
            return
        self._digests.pop(group.key, None)
        self._owners[group.key] = group.owner
        hostname = await self._calls.run(("ingress", group.owner), self._cloud.ensure, request)
        if not hostname:
            raise RetryLater(timedelta(seconds=15), "the load balancer has no name yet")
        for ingress in group.members:
            await self._writer.show(ingress, hostname)
            if known != wanted:
                for warning in options.warnings:
                    self._events.warning(ingress, "IngressWarning", warning)
                self._events.normal(ingress, "SuccessfullyReconciled", "Successfully reconciled")
        self._digests[group.key] = (wanted, self._clock.monotonic())

    async def _leave(self, key: str, group: IngressGroup, present: Sequence[Object]) -> None:
        """Let those go that are no members any more, once the load balancer holds nothing of theirs."""
        going = [entry for entry in present if entry not in group.members]
        if not group.members:
            self._followed.follow(key, ())
        if not group.members and (going or key in self._owners):
            owner = self._owners.get(key) or IngressGroup(key, tuple(going)).owner
            await self._calls.run(("ingress", owner), self._cloud.delete, owner)
            self._digests.pop(key, None)
            self._owners.pop(key, None)
        for ingress in going:
            stays = self._wants(ingress, "")
            await self._writer.release(ingress, IngressGroup(key).finalizer, clear=not stays)

    def _backends(self, group: IngressGroup) -> Backends:
        services, pods = {}, {}
        for namespace, name in {pair for entry in group.members for pair in backends_of(entry)}:
            if (service := self._services.get(name, namespace)) is not None:
                services[key_of(service)] = service
                pods[key_of(service)] = self._pods(key_of(service))
        nodes = sorted((node for node in self._nodes.list() if takes_traffic(node)), key=name_of)
        return Backends(services, pods, tuple(node_ref(node) for node in nodes))

    async def _secrets(self, group: IngressGroup, backends: Backends) -> Mapping[str, ClientSecret]:
        """The Secrets that signing in needs; their changes are noticed from now on."""
        pairs = ((ingress, backend) for ingress in group.members for backend in backends_of(ingress))
        names = {secret_of(ingress, backends.services.get("/".join(backend))) for ingress, backend in pairs} - {""}
        references = {whole: Reference(SECRETS, *whole.partition("/")[::2]) for whole in sorted(names)}
        self._followed.follow(group.key, tuple(references.values()))
        found: dict[str, ClientSecret] = {}
        for whole, (resource, namespace, name) in references.items():
            try:
                found[whole] = read_secret(whole, await self._client.get(resource, name, namespace=namespace))
            except NotFound:
                log.info("ingress %s: there is no secret %s", group.key, whole)
        return found

    def _pods(self, service: str) -> Sequence[PodTarget]:
        found = set(pod_targets(self._slices.by_index(BY_SERVICE, service)))
        return sorted(found, key=lambda pod: (pod.service_port, pod.address, pod.port))

    def _members(self, key: str) -> list[Object]:
        """Ingresses that belong to a group, or still carry its finalizer."""
        finalizer = IngressGroup(key).finalizer
        found = []
        for ingress in self._ingresses.list():
            implicit = finalizer == FINALIZER and key_of(ingress) != key
            if not implicit and (self._wants(ingress, key) or finalizer in finalizers_of(ingress)):
                found.append(ingress)
        return found

    def _wants(self, ingress: Object, key: str) -> bool:
        """Whether an Ingress asks for this group; an empty key asks for any."""
        classes = {name_of(entry): entry for entry in self._classes.list()}
        if is_deleting(ingress) or not is_ours(ingress, classes):
            return False
        try:
            return key in ("", group_key(ingress))
        except Unsupported as error:
            self._complain([ingress], error)
            return False

    def _on_ingress(self, old: Object | None, new: Object | None) -> None:
        for ingress in (old, new):
            if ingress is not None:
                self._enqueue(ingress)

    def _enqueue(self, ingress: Object) -> None:
        keys = {f"group/{name.removeprefix(GROUP_FINALIZER)}" for name in finalizers_of(ingress)
                if name.startswith(GROUP_FINALIZER)}  # fmt: skip
        if FINALIZER in finalizers_of(ingress):
            keys.add(key_of(ingress))
        try:
            keys.add(group_key(ingress))
            keys |= {key_of(ingress)} if FINALIZER in leftover_finalizers(ingress, group_key(ingress)) else set()
        except Unsupported:
            log.debug("ingress %s: its group has no good name", key_of(ingress))
        for key in keys:
            self._queue.add_after(key, WINDOW)

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or takes_traffic(old) != takes_traffic(new) or node_ref(old) != node_ref(new):
            self._all()

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        self._of_services({name for slice in (old, new) if slice is not None for name in services_of(slice)})

    def _of_services(self, names: Iterable[str]) -> None:
        wanted = set(names)
        for ingress in self._ingresses.list():
            if wanted & {f"{namespace}/{name}" for namespace, name in backends_of(ingress)}:
                self._enqueue(ingress)

    def _all(self) -> None:
        for ingress in self._ingresses.list():
            self._enqueue(ingress)

    def _complain(self, ingresses: Sequence[Object], error: CloudError) -> None:
        for ingress in ingresses:
            self._events.warning(ingress, "FailedDeployModel", str(error))


def backends_of(ingress: Object) -> Iterable[tuple[str, str]]:
    """Namespace and name of every Service that an Ingress names; those of annotated actions too."""
    spec, namespace = spec_of(ingress), namespace_of(ingress)
    entries = [spec.get("defaultBackend") or {}]
    entries += [path.get("backend") or {} for rule in spec.get("rules") or () for path in
                (rule.get("http") or {}).get("paths") or ()]  # fmt: skip
    names = {(entry.get("service") or {}).get("name") for entry in entries}
    return [(namespace, str(name)) for name in sorted(filter(None, names | _annotated(ingress)))]


def _annotated(ingress: Object) -> set[str | None]:
    texts = [text for name, text in annotations_of(ingress).items() if name.startswith(f"{PREFIX}actions.")]
    found: set[str | None] = set()
    for text in texts:
        for word in ("serviceName", "ServiceName"):
            parts = text.split(f'"{word}"')[1:]
            found |= {part.split('"')[1] for part in parts if part.count('"') >= 2}
    return found


def _digest(request: AlbRequest) -> str:
    """Stands for everything that the stack is made of."""
    group = [[key_of(entry), spec_of(entry), entry["metadata"].get("annotations")] for entry in request.group.members]
    services = {
        key: [spec_of(entry), entry["metadata"].get("annotations")] for key, entry in request.backends.services.items()
    }
    pods = {
        key: [[pod.service_port, pod.address, pod.port] for pod in targets]
        for key, targets in request.backends.pods.items()
    }
    nodes = [[node.name, node.provider_id, dict(node.labels)] for node in request.backends.nodes]
    marks = {name: secret.mark for name, secret in request.backends.secrets.items()}
    return digest(encode_canonical([group, services, pods, nodes, marks]).decode())
