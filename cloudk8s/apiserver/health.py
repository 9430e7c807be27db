"""`/healthz`, `/livez` and `/readyz`: named checks, each of which can be asked for by itself or left out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from cloudk8s.apiserver import health_answer
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.paths import PathHandler, Paths
from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Store

HOOKS: Final = tuple(
    f"poststarthook/{name}"
    for name in (
        "start-apiserver-admission-initializer", "generic-apiserver-start-informers",
        "priority-and-fairness-config-consumer", "priority-and-fairness-filter", "start-apiextensions-controllers",
        "crd-informer-synced", "start-system-namespaces-controller", "start-cluster-authentication-info-controller",
        "start-legacy-token-tracking-controller", "rbac/bootstrap-roles",
        "scheduling/bootstrap-system-priority-classes", "priority-and-fairness-config-producer",
        "bootstrap-controller", "apiservice-registration-controller",
    )
)  # fmt: skip
"""What a starting server does before it is ready, under upstream's names."""
_ALWAYS: Final = ("ping", "log", "etcd")
_READY: Final = ("etcd-readiness", "informer-sync")
_LAST: Final = "shutdown"
_STORE_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


class Health:
    """What the checks say. A hook fails until it is `done`; `shutdown` fails from `stopping` on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending = set(HOOKS)
        self._is_stopping = False

    def done(self, *hooks: str) -> None:
        """These hooks have run; none means all of them."""
        self._pending -= {f"poststarthook/{hook}" for hook in hooks} if hooks else set(HOOKS)

    def stopping(self) -> None:
        """The server is about to stop, and wants no new clients."""
        self._is_stopping = True

    def checks(self, endpoint: str) -> tuple[str, ...]:
        """The names of an endpoint's checks, in order."""
        if endpoint == "readyz":
            return (*_ALWAYS, *_READY, *HOOKS, _LAST)
        return (*_ALWAYS, *HOOKS)

    async def failed(self, names: Iterable[str]) -> set[str]:
        """Those of the checks that fail now."""
        failed = {name for name in names if name in self._pending or (name == _LAST and self._is_stopping)}
        stores = {name for name in names if name.startswith("etcd")}
        if stores and not await self._store_answers():
            failed |= stores
        return failed

    async def _store_answers(self) -> bool:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self._store.current_revision()
        except (StorageError, TimeoutError, OSError) as error:
            _log.warning("the store does not answer: %s", error or type(error).__name__)
            return False
        return True


def add_health(paths: Paths, health: Health) -> None:
    """Answer the three endpoints and each of their checks."""
    for endpoint in ("healthz", "livez", "readyz"):
        paths.add(f"/{endpoint}", _endpoint(health, endpoint))
        for check in health.checks(endpoint):
            paths.add(f"/{endpoint}/{check}", _single(health, check))
        paths.add_prefix(
            f"/{endpoint}/", lambda context, request: Response(404, b"404 page not found\n", health_answer.TEXT)
        )


def _endpoint(health: Health, endpoint: str) -> PathHandler:
    async def answer(context: RequestContext, request: Request) -> Response:
        names, left_out = health.checks(endpoint), set(context.query.all("exclude"))
        failed = await health.failed([name for name in names if name not in left_out])
        return health_answer.of_all(endpoint, names, failed, left_out, is_verbose="verbose" in context.query)

    return answer


def _single(health: Health, check: str) -> PathHandler:
    async def answer(context: RequestContext, request: Request) -> Response:
        return health_answer.of_one(has_failed=bool(await health.failed([check])))

    return answer
