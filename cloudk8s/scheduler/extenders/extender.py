"""One extender: what it is asked, and what to do when it does not answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cloudk8s.client.interface import Object
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.machinery import codec
from cloudk8s.scheduler.configuration.extender import ExtenderConfiguration, ExtenderTLS
from cloudk8s.scheduler.extenders import wire
from cloudk8s.scheduler.extenders.failure import ExtenderFailed
from cloudk8s.scheduler.extenders.wire import Verdict, WireError
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.candidates import Candidate

USER_AGENT = "kube-scheduler"

T = TypeVar("T")


class Extender:
    """Asks over HTTP; every method raises ExtenderFailed."""

    def __init__(self, configuration: ExtenderConfiguration) -> None:
        self._configuration = configuration
        self._managed = frozenset(resource.name for resource in configuration.managed_resources)
        settings = NetworkSettings(timeout=configuration.http_timeout, retries=0, user_agent=USER_AGENT)
        self._client = NetworkClient(_connection(configuration), settings=settings)

    @property
    def name(self) -> str:
        return self._configuration.url_prefix

    @property
    def is_ignorable(self) -> bool:
        return self._configuration.ignorable

    @property
    def filters(self) -> bool:
        return bool(self._configuration.filter_verb)

    @property
    def prioritizes(self) -> bool:
        return bool(self._configuration.prioritize_verb)

    @property
    def preempts(self) -> bool:
        return bool(self._configuration.preempt_verb)

    @property
    def binds(self) -> bool:
        return bool(self._configuration.bind_verb)

    def is_concerned(self, pod: Pod) -> bool:
        """Whether the pod uses a resource that the extender manages; one that manages none is asked about all pods."""
        return not self._managed or any(not self._managed.isdisjoint(names) for names in _resources(pod.spec))

    async def filter(self, pod: Pod, nodes: Mapping[str, Object]) -> Verdict:
        """Which of the nodes can take the pod."""
        by_name, verb = self._configuration.node_cache_capable, self._configuration.filter_verb
        answer = await self._ask(verb, wire.arguments(pod, nodes, by_name=by_name))
        found = self._read(wire.verdict, answer, nodes, by_name=by_name)
        if found.error:
            raise ExtenderFailed(f"extender {self.name}: {found.error}")
        return found

    async def prioritize(self, pod: Pod, nodes: Mapping[str, Object]) -> Mapping[str, float]:
        """Scores from 0 to 10 by node, times the extender's weight."""
        by_name, verb = self._configuration.node_cache_capable, self._configuration.prioritize_verb
        answer = await self._ask(verb, wire.arguments(pod, nodes, by_name=by_name))
        return {name: score * self._configuration.weight for name, score in self._read(wire.scores, answer).items()}

    async def preempt(self, pod: Pod, candidates: Sequence[Candidate]) -> Mapping[str, tuple[Sequence[str], int]]:
        """UIDs of the pods that may go, by node; nodes that are left out will not do."""
        by_name, verb = self._configuration.node_cache_capable, self._configuration.preempt_verb
        return self._read(wire.victims, await self._ask(verb, wire.preemption(pod, candidates, by_name=by_name)))

    async def bind(self, pod: Pod, node: str) -> None:
        """Have the pod bound."""
        answer = await self._ask(self._configuration.bind_verb, wire.binding(pod, node))
        if message := self._read(wire.error, answer):
            raise ExtenderFailed(message)

    async def close(self) -> None:
        await self._client.close()

    async def _ask(self, verb: str, body: Object) -> Any:
        try:
            answer = await self._client.request("POST", f"/{verb.lstrip('/')}", body=body)
            return codec.decode(answer.encode()) if isinstance(answer, str) else answer
        except (CloudK8sError, OSError, codec.DecodeError) as error:
            raise ExtenderFailed(f"extender {self.name}: {verb}: {error}") from error

    def _read(self, read: Callable[..., T], answer: Any, *arguments: Any, **options: Any) -> T:
        try:
            return read(answer, *arguments, **options)
        except (WireError, TypeError, ValueError, AttributeError) as error:
            raise ExtenderFailed(f"extender {self.name}: its answer cannot be read: {error}") from error


def _resources(spec: Mapping[str, Any]) -> list[set[str]]:
    """Names of resources that containers request or are limited in."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [container.get("resources") or {} for container in containers]
    return [{*(each.get("requests") or {}), *(each.get("limits") or {})} for each in resources]


def _connection(configuration: ExtenderConfiguration) -> Connection:
    tls = configuration.tls_config or ExtenderTLS()
    try:
        ca, certificate, key = (
            _bytes(tls.ca_file, tls.ca_data), _bytes(tls.cert_file, tls.cert_data), _bytes(tls.key_file, tls.key_data)
        )  # fmt: skip
    except (OSError, binascii.Error) as error:
        raise SettingsError(f"extender {configuration.url_prefix}: tlsConfig: {error}") from error
    return Connection(
        server=configuration.url_prefix,
        ca=ca,
        certificate=certificate,
        key=key,
        insecure=tls.insecure or (configuration.enable_https and not ca),
        tls_server_name=tls.server_name,
    )


def _bytes(path: Path | None, data: str) -> bytes:
    """Data wins over a file."""
    if data:
        return base64.b64decode(data)
    return path.read_bytes() if path is not None else b""
