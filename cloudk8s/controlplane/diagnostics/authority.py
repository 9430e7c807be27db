"""Whose client certificates are believed: what the cluster publishes, followed for as long as the port is open.

https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from __future__ import annotations

import logging
import ssl
from typing import Final

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.reflector import Source
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.errors import Forbidden, NotFound, StatusError
from cloudk8s.machinery.clock import Clock

NAMESPACE: Final = "kube-system"
NAME: Final = "extension-apiserver-authentication"
KEY: Final = "client-ca-file"

_log = logging.getLogger(__name__)


class PublishedAuthority:
    """Adds the cluster's client authority to a TLS context, again whenever it changes.

    What was believed once is believed until the process ends: a context forgets nothing.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._known: set[str] = set()

    async def follow(self, client: Client, *, clock: Clock) -> None:
        """Keep up until cancelled, whether the API server answers or not. Whoever may not read it hears so once."""
        if not await self._may_read(client, clock):
            return
        informer = Informer(client, Source(CONFIG_MAPS, NAMESPACE, field_selector=f"metadata.name={NAME}"), clock=clock)
        informer.add_handler(lambda old, new: self._learn(new))
        await informer.run()

    async def _may_read(self, client: Client, clock: Clock) -> bool:
        backoff = Backoff(clock)
        while True:
            try:
                await client.get(CONFIG_MAPS, NAME, namespace=NAMESPACE)
            except Forbidden as error:
                role = "extension-apiserver-authentication-reader"
                _log.warning("client certificates are not believed: %s; bind role %s/%s", error, NAMESPACE, role)
                return False
            except NotFound:
                return True
            except (StatusError, OSError):
                await clock.sleep(backoff.next())
            else:
                return True

    def _learn(self, config: Object | None) -> None:
        authority = ((config or {}).get("data") or {}).get(KEY, "")
        if not authority or authority in self._known:
            return
        try:
            self._context.load_verify_locations(cadata=authority)
        except ssl.SSLError as error:
            _log.warning("the client authority in %s/%s cannot be used: %s", NAMESPACE, NAME, error)
            return
        self._known.add(authority)
        self._context.verify_mode = ssl.CERT_OPTIONAL
